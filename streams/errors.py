"""Every error that Candor raises on purpose, and the exit codes of commands.

    CandorError
    |-- ConfigurationError     a setting, an argument or a catalog is wrong         exit code 2
    |-- EventFileError         a line of an event file cannot be read               exit code 1
    |-- ProblemFound           a check found what it was looking for                exit code 1
    `-- DependencyUnavailable  something outside is away; trying again may help     exit code 3
        |-- KafkaUnavailable
        `-- BrokerUnavailable  no broker can be started on this machine

Sinks have their own pair, ``SinkUnavailable`` and ``SinkRefused`` (see ``sinks.base``). Bad records are never exceptions: they are dead letters.
"""

from enum import IntEnum
from pathlib import Path
from typing import ClassVar


class ExitCode(IntEnum):
    """How a command ended; ``MEANINGS`` says what each stands for."""

    DONE = 0
    PROBLEM = 1
    USAGE = 2
    AWAY = 3
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: dict[ExitCode, str] = {
    # Dead letters are no failure: some records of any real stream are unusable, and a script with set -e must get past them, as a worker does.
    ExitCode.DONE: "done, also where `candor replay` keeps some records as dead letters; of a check: all is well",
    ExitCode.PROBLEM: "a problem was found, or rows to import, records to send or requests were refused; with a traceback: a bug of Candor",
    ExitCode.USAGE: "wrong usage, a wrong setting, mapping or catalog, or a file that cannot be read",
    ExitCode.AWAY: "Kafka, ClickHouse or another dependency is away; trying again later may help",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C (SIGINT)",
    ExitCode.TERMINATED: "ended by SIGTERM before it was done; commands that serve until told to stop end with 0",
}
START_CLICKHOUSE = "start ClickHouse (for example: candor clickhouse), or set CANDOR_CLICKHOUSE_URL"
"""What to do where ClickHouse is away."""
CHECK_LOGIN = "check user and database in CANDOR_CLICKHOUSE_URL, and the password there or in CANDOR_CLICKHOUSE_PASSWORD"
"""What to do where ClickHouse does not let us in."""
MAKE_TABLES = "candor migrate makes the database, its tables and views, or brings them up to date"
"""What to do where ClickHouse does not know the database, a table or a view."""
START_KAFKA = "start the broker, or set CANDOR_KAFKA_BOOTSTRAP_SERVERS and the TLS and SASL settings beside it"
"""What to do where Kafka is away."""


class CandorError(Exception):
    """An error whose message is meant for whoever runs the command; ``exit_code`` is that of the command."""

    exit_code: ClassVar[ExitCode] = ExitCode.PROBLEM
    advice: ClassVar[str] = ""
    """What to do about it, where every error of the kind asks for the same."""


class ConfigurationError(CandorError):
    """A setting, an argument or a catalog is wrong; the message says which and what is expected."""

    exit_code = ExitCode.USAGE


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

    exit_code = ExitCode.AWAY


class KafkaUnavailable(DependencyUnavailable):
    """No broker answers, or it refuses to let us in."""

    advice = START_KAFKA


class BrokerUnavailable(DependencyUnavailable):
    """No broker can be started on this machine; the message says what was tried."""
