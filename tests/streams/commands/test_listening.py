"""Why an address cannot be listened on, in the same words whoever says it."""

import errno
import socket

import pytest

from streams.commands.listening import cannot_listen


def test_a_port_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError) as raised:  # noqa: PT011 (its number is what matters)
            socket.create_server(("127.0.0.1", port))
    assert (
        str(cannot_listen("127.0.0.1", port, raised.value))
        == f"cannot serve at 127.0.0.1:{port}: Address already in use\n  end what listens there, or choose another port with --port"
    )


def test_other_reasons_are_told_as_the_system_tells_them() -> None:
    assert str(cannot_listen("x", 1, OSError(errno.EACCES, "in other words"))) == "cannot serve at x:1: Permission denied"
    assert str(cannot_listen("x", 1, socket.gaierror(-2, "Name or service not known"))) == "cannot serve at x:1: [Errno -2] Name or service not known"
