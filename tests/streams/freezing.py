"""A broker that takes connections and says nothing."""

import os
import signal

from streams.broker import LocalBroker


def freeze(broker: LocalBroker) -> None:
    """Stop its process where it is, and return once it stands still; ``kill`` ends it."""
    os.kill(broker.pid, signal.SIGSTOP)
    os.waitpid(broker.pid, os.WUNTRACED)
