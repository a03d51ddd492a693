"""Copies of the views, for dashboards and reports over more answers than views can be computed from while somebody waits.

A database beside that of Candor, ``<database>_copies``, has everything under the same name:

* views that compute something are tables there, which ``Copies.make`` writes anew, each replaced at once when it is whole;
* tables, views of single facts and views with parameters lead back to the originals, and so are never older than these. Refused records are left out.

When each copy was made stands in its table ``copied``, by which such a database is known. Nothing in Candor's own database depends on any of this.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sinks.address import Address
from sinks.base import SinkError, SinkRefused
from sinks.clickhouse import ClickHouse, quoted
from sinks.ddl import string
from sinks.dictionary import Entry, Relation, read_relations
from sinks.semantic.grains import GRAINS

COPIED = "copied"
_SUFFIX = "_copies"
_UNFINISHED = "_tmp_replace_"
"""How ClickHouse calls a table that is about to replace another one."""
_FACTS = frozenset({"adjudications", "cases", "communications", "invitations", "model_runs", "operations", "outcomes", "transactions"})
"""Views of single facts: as quick as a copy would be."""
_REFUSED = frozenset({"fact_dead_letters", "dead_letters"})
"""Refused records hold raw data of customers, which readers must not see: there is no second way to them."""
_MAKE_COPIED = """\
CREATE TABLE IF NOT EXISTS {database}.copied
(
    `name` String COMMENT 'The view.',
    `made_at` DateTime64(3, 'UTC') COMMENT 'When the reading of the view began (UTC): what came later is not in the copy.',
    `rows` UInt64 COMMENT 'Rows of the copy.',
    `seconds` Float64 COMMENT 'Seconds that it took to make it.'
)
ENGINE = ReplacingMergeTree(made_at)
ORDER BY name
COMMENT 'When the copies of views in this database were made; candor materialize makes them anew.'"""


@dataclass(frozen=True, slots=True)
class Copied:
    """A view that was copied, or why it was not: then the copy is the one that there was before, if any."""

    name: str
    rows: int
    seconds: float
    problem: str = ""


def database_of_copies(address: Address) -> Address:
    """Where the copies of a database are."""
    return replace(address, database=address.database + _SUFFIX)


def holds_copies(clickhouse: ClickHouse) -> bool:
    """Whether the client's database is one of copies."""
    return clickhouse.command(f"EXISTS TABLE {COPIED}") == "1"


def copied_at(clickhouse: ClickHouse) -> datetime | None:
    """When the oldest copy in the client's database was made; None where it has none, as Candor's own."""
    if not holds_copies(clickhouse):
        return None
    # What was copied once, and leads back now, does not count.
    known = "SELECT name FROM system.tables WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree')"
    found = clickhouse.query(f"SELECT minOrNull(made_at) AS made_at FROM {COPIED} FINAL WHERE name IN ({known})")  # noqa: S608 (constants)
    made_at: datetime | None = found.column("made_at")[0].as_py()
    return made_at


def is_copied(relation: Relation) -> bool:
    """Whether a table takes its place: it is a view that computes something, and of which there is one answer."""
    return relation.is_view and not relation.parameters and relation.about.name not in _FACTS | _REFUSED


class Copies:
    """The copies of the views in the database of a ``ClickHouse``, which is one node: a cluster would have to make them on each."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse
        address = clickhouse.address
        self._target = database_of_copies(address)
        if holds_copies(clickhouse):
            raise SinkRefused(f"{address} holds copies, of which there can be none: name the database that they were made from")
        self._from, self._to = quoted(address.database), quoted(self._target.database)

    def views(self) -> list[str]:
        """Names of the views that are copied."""
        return [relation.about.name for relation in self._relations() if is_copied(relation)]

    def make(self, names: Collection[str] = (), begun: Callable[[str], None] = lambda _: None) -> Iterator[Copied]:
        """Copies these views, or all; yields each once it is done. ``begun`` is told of each before.

        What leads back to the originals is made anew as well. So do views of which there is no copy yet, or one of another release's columns; what
        this release does not know is dropped. Raises ``SinkRefused`` where the database holds tables and is none of copies.
        """
        relations = self._relations()
        self._begin()
        self._drop({relation.about.name for relation in relations})
        there = self._copies()
        for relation in relations:
            if not is_copied(relation) or there.get(relation.about.name) != _kinds(relation):
                self._clickhouse.command(self.leading_back(relation))
        for relation in relations:
            if is_copied(relation) and (not names or relation.about.name in names):
                begun(relation.about.name)
                yield self._copy(relation)

    def _relations(self) -> list[Relation]:
        return [relation for relation in read_relations(self._clickhouse) if relation.about.name not in _REFUSED]

    def leading_back(self, relation: Relation) -> str:
        """The statement that makes a table or view lead back to the original."""
        name = quoted(relation.about.name)
        if not relation.is_view:
            # A view of a table could not be asked for its newest rows alone, with FINAL.
            place = f"{string(self._clickhouse.address.database)}, {string(f'^{relation.about.name}$')}"
            return f"CREATE OR REPLACE TABLE {self._to}.{name} AS {self._from}.{name} ENGINE = Merge({place})"
        given = ", ".join(f"{one.name} = {{{one.name}:{one.kind}}}" for one in relation.parameters)
        source = f"{self._from}.{name}({given})" if given else f"{self._from}.{name}"
        about = string(relation.about.comment)
        return f"CREATE OR REPLACE VIEW {self._to}.{name} ({_columns(relation.columns)}) AS SELECT * FROM {source} COMMENT {about}"  # noqa: S608 (checked names)

    def copying(self, relation: Relation) -> str:
        """The statement that copies a view; its rows are sorted by what it has one row of."""
        name = quoted(relation.about.name)
        about = string(relation.about.comment)
        key = ", ".join(map(quoted, GRAINS.get(relation.about.name, ())))
        names = ", ".join(quoted(column.name) for column in relation.columns)
        return (
            f"CREATE OR REPLACE TABLE {self._to}.{name} ({_columns(relation.columns)}) ENGINE = MergeTree ORDER BY ({key})"  # noqa: S608 (checked names)
            f" SETTINGS allow_nullable_key = 1 COMMENT {about} AS SELECT {names} FROM {self._from}.{name}"
        )

    def _copy(self, relation: Relation) -> Copied:
        name, begun = relation.about.name, time.monotonic()
        began_at = self._clickhouse.query("SELECT now64(3, 'UTC') AS now").column("now")
        try:
            self._clickhouse.command(self.copying(relation))
        except SinkError as error:
            # Too little memory for one view is no reason to leave the others; to be away is.
            self._clickhouse.ping()
            return Copied(name, 0, time.monotonic() - begun, str(error))
        seconds = time.monotonic() - begun
        rows = int(self._clickhouse.command(f"SELECT count() FROM {self._to}.{quoted(name)}"))  # noqa: S608 (checked names)
        values = f"{string(name)}, {string(began_at[0].as_py().strftime('%Y-%m-%d %H:%M:%S.%f'))}, {rows}, {seconds}"
        self._clickhouse.command(f"INSERT INTO {self._to}.{COPIED} (name, made_at, rows, seconds) VALUES ({values})")  # noqa: S608 (checked names)
        return Copied(name, rows, seconds)

    def _begin(self) -> None:
        self._clickhouse.command(f"CREATE DATABASE IF NOT EXISTS {self._to}")
        there = [relation.about.name for relation in self._there()]
        if there and COPIED not in there:
            raise SinkRefused(
                f"the database {self._target.database} holds tables that candor materialize did not make, and would be taken over: "
                f"rename it, or drop them ({', '.join(sorted(there)[:5])})"
            )
        self._clickhouse.command(_MAKE_COPIED.format(database=self._to))

    def _drop(self, known: Collection[str]) -> None:
        """Drops what was made there and is not known any more. What another run is just making stays, and so does what was put there by others."""
        copied = set(self._clickhouse.query(f"SELECT name FROM {self._to}.{COPIED} FINAL").column("name").to_pylist())  # noqa: S608 (checked names)
        for relation in self._there():
            name = relation.about.name
            made_here = relation.about.kind in ("View", "Merge") or name in copied
            if name not in known and not name.startswith(_UNFINISHED) and made_here:
                self._clickhouse.command(f"DROP {'VIEW' if relation.is_view else 'TABLE'} {self._to}.{quoted(name)}")

    def _copies(self) -> dict[str, list[tuple[str, str]]]:
        """Names and types of the columns of each copy that is there."""
        return {relation.about.name: _kinds(relation) for relation in self._there() if relation.about.kind.endswith("MergeTree")}

    def _there(self) -> list[Relation]:
        return read_relations(self._clickhouse, self._target.database)


def _kinds(relation: Relation) -> list[tuple[str, str]]:
    return [(column.name, column.kind) for column in relation.columns]


def _columns(columns: Sequence[Entry]) -> str:
    return ", ".join(f"{quoted(column.name)} {column.kind} COMMENT {string(column.comment)}" for column in columns)
