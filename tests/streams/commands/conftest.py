"""Running commands as a user does, in this process."""

from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from streams.commands import cli

Run = Callable[..., Result]


@pytest.fixture
def candor(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``candor`` with arguments; what is no bug never comes out as an exception."""
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, arguments, prog_name="candor")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
