"""The pictures of the report on a local page that follows the stream, and on which findings are decided about.

``guard``, ``intake`` and ``pages`` are pure; ``watching`` looks at Kafka and ClickHouse in threads of its own and keeps what it saw last; ``server``
answers from that, so nothing that is slow or away holds up the page.
"""

from streams.serving.guard import NotLocal, names_of
from streams.serving.server import Serving, application
from streams.serving.watching import Watching

__all__ = ["NotLocal", "Serving", "Watching", "application", "names_of"]
