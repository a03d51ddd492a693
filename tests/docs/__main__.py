"""``python -m tests.docs``: build the site."""

import subprocess
import sys

from tests.docs.site import BrokenLinkError, build

try:
    print(build())  # noqa: T201 (a script)
except (BrokenLinkError, subprocess.CalledProcessError) as error:
    sys.exit(str(error))
