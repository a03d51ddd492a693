"""Numbered forward migrations: plain SQL files, applied once each, in order, and recorded with their checksum.

A file is never edited once it was released; what it made is changed by a later one. Every statement can be run again, so a migration that was
interrupted, or that two processes apply at once, is simply applied again. In the files

* ``;`` at the end of a line ends a statement; ``-- when: sharded`` on the line before one keeps it to clusters with several shards,
* ``-- include: NAME`` on a line of its own stands for the text of ``parts/NAME.sql``, which several views have in common; the checksum is of the
  whole text,
* ``${on_cluster}``, ``${replacing}``, ``${replacing_everywhere}``, ``${local}``, ``${cluster}`` and ``${database}`` are filled from the ``Topology``;
  ``$$`` stands for a dollar sign.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from string import Template

import pyarrow as pa

from schemas.rows import Table
from sinks.base import SinkError, SinkRefused
from sinks.clickhouse import ClickHouse, quoted
from sinks.errorcodes import UNKNOWN_DATABASE, UNKNOWN_TABLE

TABLE = "schema_migrations"
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_INCLUDED = re.compile(r"^ *-- include: (\w+)\n", re.MULTILINE)
RECORD = """\
CREATE TABLE IF NOT EXISTS schema_migrations${on_cluster}
(
    `number` UInt32 COMMENT 'Number of the migration; they are applied in this order.',
    `name` String COMMENT 'What it does, from the name of its file.',
    `checksum` String COMMENT 'SHA-256 of its file when it was applied.',
    `applied_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied (UTC).'
)
ENGINE = ${replacing_everywhere}(applied_at)
ORDER BY number
COMMENT 'Migrations that were applied to this database.'"""


class MigrationError(SinkError):
    """A migration is missing, or its file has changed since it was applied."""


@dataclass(frozen=True, slots=True)
class Topology:
    """How ClickHouse is laid out: one node; the replicas of ``cluster``; or its shards, replicated or not."""

    cluster: str = ""
    replicated: bool = False
    sharded: bool = False

    def __post_init__(self) -> None:
        if self.cluster:
            quoted(self.cluster)
        elif self.sharded:
            raise SinkRefused("Shards need the name of a cluster")

    def render(self, sql: str, database: str) -> str:
        """The statement for this layout."""
        path = "/clickhouse/tables/%s/{database}/{table}"
        replicated = "ReplicatedReplacingMergeTree('%s', '%s', version)"
        plain = "ReplacingMergeTree(version)"
        engines = {
            "${replacing}(version)": replicated % (path % "{shard}", "{replica}") if self.replicated else plain,
            "${replacing_everywhere}(version)": replicated % (path % "all", "{shard}-{replica}") if self.replicated else plain,
        }
        engines |= {name.replace("version", "applied_at"): engine.replace("version", "applied_at") for name, engine in engines.items()}
        for name, engine in engines.items():
            sql = sql.replace(name, engine)
        return Template(sql).substitute(on_cluster=self.on_cluster, local="_local" if self.sharded else "", cluster=self.cluster, database=database)

    @property
    def on_cluster(self) -> str:
        """The clause that makes every node of the cluster run a statement; empty without a cluster."""
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""


SINGLE_NODE = Topology()


def statements(text: str, topology: Topology, database: str) -> Iterator[str]:
    """The statements of a file for this layout, in order."""
    for part in re.split(r";[ \t]*(?:\n|$)", text):
        only_sharded = re.search(r"^-- when: sharded$", part, re.MULTILINE)
        sql = re.sub(r"^--.*\n?", "", part, flags=re.MULTILINE).strip()
        if sql and (topology.sharded or not only_sharded):
            yield topology.render(sql, database)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    text: str = field(repr=False)

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def statements(self, topology: Topology, database: str) -> Iterator[str]:
        """The statements for this layout, in order."""
        return statements(self.text, topology, database)


def load() -> list[Migration]:
    """All migrations of this release, in order; raises ``MigrationError`` where numbers are missing or given twice."""
    found = []
    for entry in files("sinks.migrations").iterdir():
        match = _FILE.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], _whole(entry.read_text(encoding="utf-8"))))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"The migrations of this release are not numbered from 1 without gaps: {[m.number for m in found]}")
    return found


def _whole(text: str) -> str:
    """The text with its parts, and theirs."""
    return _INCLUDED.sub(lambda line: _whole(files("sinks.migrations").joinpath("parts", f"{line[1]}.sql").read_text(encoding="utf-8")), text)


@dataclass(frozen=True, slots=True)
class Status:
    """What was applied and what is to be applied; nothing of it changes anything."""

    applied: Sequence[Migration]
    pending: Sequence[Migration]
    changed: Sequence[Migration]
    """Applied, but the file is another one now."""
    unknown: Sequence[str]
    """Applied by a newer release."""

    def check(self) -> None:
        """Raise ``MigrationError`` where the database does not fit this release; a database that is newer does."""
        if self.changed:
            names = ", ".join(f"{m.number:04d}_{m.name}" for m in self.changed)
            raise MigrationError(f"Changed after they were applied: {names}. Restore these files and put the change into a new migration")
        if self.pending:
            raise MigrationError(f"{len(self.pending)} migrations are not applied yet, from {self.pending[0].number:04d} on. Run: candor migrate")


class Migrator:
    """Applies migrations to the database of a ``ClickHouse``."""

    def __init__(self, clickhouse: ClickHouse, topology: Topology = SINGLE_NODE, migrations: Sequence[Migration] | None = None) -> None:
        self._clickhouse = clickhouse
        self._topology = topology
        self._database = clickhouse.address.database
        self._migrations = load() if migrations is None else migrations

    def status(self) -> Status:
        """What was applied and what was not; only reads."""
        recorded = self._recorded()
        known = {migration.number for migration in self._migrations}
        applied = [m for m in self._migrations if m.number in recorded]
        return Status(
            applied=applied,
            pending=[m for m in self._migrations if m.number not in recorded],
            changed=[m for m in applied if recorded[m.number][1] != m.checksum],
            unknown=[f"{number:04d}_{name}" for number, (name, _) in sorted(recorded.items()) if number not in known],
        )

    def plan(self) -> str:
        """The SQL that ``apply`` would run now; only reads. Raises ``MigrationError`` where an applied file has changed."""
        return "".join(f"-- {m.number:04d}_{m.name}\n" + "".join(f"{sql};\n\n" for sql in self._statements(m)) for m in self._unchanged().pending)

    def apply(self, report: Callable[[Migration], None] = lambda _: None) -> list[Migration]:
        """Create the database where it is missing and apply what is pending; ``report`` is called before each. Returns what was applied.

        Raises ``MigrationError`` before anything is changed where an applied file has changed, and ``SinkRefused`` where a statement fails.
        """
        pending = list(self._unchanged().pending)
        if pending:
            self._clickhouse.create_database(self._topology.on_cluster)
            self._clickhouse.command(self._topology.render(RECORD, self._database))
        for migration in pending:
            report(migration)
            for statement in self._statements(migration):
                self._clickhouse.command(statement)
            self._record(migration)
        return pending

    def _unchanged(self) -> Status:
        status = self.status()
        if status.changed:
            status.check()
        return status

    def _statements(self, migration: Migration) -> Iterator[str]:
        return migration.statements(self._topology, self._database)

    def _record(self, migration: Migration) -> None:
        row = {"number": pa.array([migration.number], pa.uint32()), "name": [migration.name], "checksum": [migration.checksum]}
        self._clickhouse.insert_into(TABLE, pa.table(row))

    def _recorded(self) -> dict[int, tuple[str, str]]:
        try:
            rows = self._clickhouse.query(f"SELECT number, name, checksum FROM {TABLE} FINAL ORDER BY number")  # noqa: S608 (a constant)
        except SinkRefused as error:
            if error.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
                return {}
            raise
        return {row["number"]: (row["name"], row["checksum"]) for row in rows.to_pylist()}


def is_empty(clickhouse: ClickHouse) -> bool:
    """Whether no table that Candor writes holds a row; those that are not made yet hold none."""
    return not any(_holds_rows(clickhouse, table) for table in Table)


def _holds_rows(clickhouse: ClickHouse, table: Table) -> bool:
    try:
        return bool(clickhouse.command(f"SELECT 1 FROM {table} LIMIT 1"))  # noqa: S608 (a declared name)
    except SinkRefused as error:
        if error.code == UNKNOWN_TABLE:
            return False
        raise


def database_identity(clickhouse: ClickHouse) -> str:
    """Tells a migrated database from one that was made anew under the same name: when its first migration was applied."""
    return clickhouse.command(f"SELECT toString(max(applied_at)) FROM {TABLE} WHERE number = 1")  # noqa: S608 (a declared name)
