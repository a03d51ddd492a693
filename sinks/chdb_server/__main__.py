"""``python -m sinks.chdb_server --path DIR --port N``."""

import sys

from sinks.chdb_server.server import main

if __name__ == "__main__":
    sys.exit(main())
