"""A worker process around the counting stage: ``python -m tests.streams.kafka.counting_worker FOLDER``, settings from the environment."""

import logging
import sys
import threading
from pathlib import Path

from schemas.enums import Stage
from streams.kafka.progress import Progress
from streams.kafka.worker import run_worker
from streams.settings import load_settings
from tests.streams.kafka.counting import CountingStages, FolderSink


def _quiet(_: Progress) -> None:
    """Logs of tests are read only where one fails."""


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    # Threads may wait for what nobody needs any more, or belong to a consumer that was just starting: no worker may wait for them to end.
    threading.Thread(target=threading.Event().wait).start()
    run_worker(load_settings(), {Stage.ACCOUNTS: lambda _: CountingStages()}, FolderSink(Path(sys.argv[1])), _quiet)
