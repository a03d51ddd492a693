"""Why an address cannot be listened on."""

import errno
import os

from streams.errors import DependencyUnavailable


def cannot_listen(host: str, port: int, error: OSError) -> DependencyUnavailable:
    """What to raise: where, why, and what to do where the port is taken."""
    # asyncio says in its own words what the system said, with the address once more; a name that cannot be resolved has a number below 0.
    reason = os.strerror(error.errno) if error.errno is not None and error.errno > 0 else str(error)
    advice = "\n  end what listens there, or choose another port with --port" if error.errno == errno.EADDRINUSE else ""
    return DependencyUnavailable(f"cannot serve at {host}:{port}: {reason}{advice}")
