"""Superset from nothing to serving, in one process of its own environment: every command of Superset's would import all of it anew.

``python serve.py PORT``, with the folder of ``superset_config.py`` on the path, and the password of its administrator in ``SUPERSET_ADMIN_PASSWORD``.
"""

import logging
import os
import sys
from importlib import import_module


def main(port: int) -> None:
    """Make the metadata, the roles and an administrator as the documentation of Superset says, and answer on the loopback interface."""
    app = import_module("superset.app").create_app()
    commands, program = app.test_cli_runner(), import_module("superset.cli.main").superset
    admin = (
        "--username",
        "admin",
        "--firstname",
        "A",
        "--lastname",
        "B",
        "--email",
        "a@example.com",
        "--password",
        os.environ["SUPERSET_ADMIN_PASSWORD"],
    )
    for arguments in (("db", "upgrade"), ("init",), ("fab", "create-admin", *admin)):
        done = commands.invoke(program, list(arguments))
        if done.exit_code:
            sys.exit(f"superset {arguments[0]}: {done.exception!r}\n{done.output}")
    # Migrations turn off the loggers that they find, and leave a handler that writes to a stream of the commands.
    logging.basicConfig(level=logging.WARNING, force=True)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).disabled = False
    import_module("werkzeug.serving").run_simple("127.0.0.1", port, app, threaded=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
