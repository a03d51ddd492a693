"""Every error that Candor raises on purpose.

    CandorError
    |-- ConfigurationError     a setting, an argument or a catalog is wrong         exit code 2
    |-- EventFileError         a line of an event file cannot be read               exit code 1
    |-- ProblemFound           a check found what it was looking for                exit code 1
    `-- DependencyUnavailable  something outside is away; trying again may help     exit code 3
        |-- KafkaUnavailable
        `-- BrokerUnavailable  no broker can be started on this machine

Sinks have their own pair, ``SinkUnavailable`` and ``SinkRefused`` (see ``sinks.base``). Bad records are never exceptions: they are dead letters.
"""

from pathlib import Path
from typing import ClassVar


class CandorError(Exception):
    """An error whose message is meant for whoever runs the command; ``exit_code`` is that of the command."""

    exit_code: ClassVar[int] = 1


class ConfigurationError(CandorError):
    """A setting, an argument or a catalog is wrong; the message says which and what is expected."""

    exit_code = 2


class EventFileError(CandorError):
    """A line of an event file cannot be read; ``line`` counts from 1."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}, line {line}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class ProblemFound(CandorError):
    """A check found what it was looking for."""


class DependencyUnavailable(CandorError):
    """Something outside is away; trying again may help."""

    exit_code = 3


class KafkaUnavailable(DependencyUnavailable):
    """No broker answers, or it refuses to let us in."""


class BrokerUnavailable(DependencyUnavailable):
    """No broker can be started on this machine; the message says what was tried."""
