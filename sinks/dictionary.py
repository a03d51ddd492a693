"""The data dictionary: every table, view and column, read from a real engine after all migrations.

``python -m sinks.dictionary FILE`` writes it; with ``--check`` it compares, and fails where the file is out of date.
"""

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator

PARAMETERS = {
    "as_of": "The local day as of which it is told, that day included: '2026-03-31'.",
    "days": "How many days up to as_of, that day included, are looked at.",
}
"""What the parameters of views mean; a parameter has one meaning wherever it stands."""
HEAD = """\
# Data dictionary

Every table and view in the database, from the comments that ClickHouse itself holds. Made by `candor contracts`; do not edit.

BI reads the views: they give one row per thing, newest revision alone; those with parameters are called like functions. Tables named `fact_`, `cell_`
and `fit_` are what the views read; they may hold older copies of a row. All times are UTC. Sums may be added up over any grouping, scores never: they
are computed again from sums.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A column, or for a relation the whole of it."""

    name: str
    kind: str
    comment: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or view, its columns, and what must be said to read it: such a view is called like a function."""

    about: Entry
    columns: Sequence[Entry]
    key: str
    parameters: Sequence[Entry] = ()

    @property
    def is_view(self) -> bool:
        """Whether it is read from others."""
        return self.about.kind == "View"


TRIED = "candor_doctor_"
"""How a table begins that ``candor doctor`` makes for a moment, to see whether it may."""


def read_relations(clickhouse: ClickHouse, name: str = "") -> list[Relation]:
    """All tables and views of the database of that name, views first, by name; default: the client's own. None made for a moment."""
    database = {"database": name or clickhouse.address.database, "tried": TRIED}
    columns: dict[str, list[Entry]] = {}
    listed = clickhouse.query(
        "SELECT table, name, type, comment FROM system.columns WHERE database = {database:String} ORDER BY table, position", database
    )
    for row in listed.to_pylist():
        columns.setdefault(row["table"], []).append(Entry(row["name"], row["type"], row["comment"]))
    tables = clickhouse.query(
        "SELECT name, engine, comment, sorting_key, create_table_query FROM system.tables"
        " WHERE database = {database:String} AND NOT startsWith(name, {tried:String}) ORDER BY name",
        database,
    )
    found = []
    for row in tables.to_pylist():
        about, made = Entry(row["name"], row["engine"], row["comment"]), row["create_table_query"]
        # The engine lists no columns of a view with parameters, though it keeps what it was made with.
        held = columns.get(row["name"]) or list(_declared(made))
        found.append(Relation(about, held, row["sorting_key"], list(_parameters(made))))
    return sorted(found, key=lambda relation: not relation.is_view)


_QUOTED = r"'(?:[^'\\]|\\.)*'"
_DECLARED = re.compile(
    rf"`(?P<name>\w+)` (?P<kind>(?:[^'`,()]|{_QUOTED}|\((?:[^'()]|{_QUOTED}|\([^()]*\))*\))+?)(?: COMMENT (?P<comment>{_QUOTED}))?(?P<end>, |\))"
)
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")


def _declared(made: str) -> Iterator[Entry]:
    """The columns that a statement declares, as the engine writes it down."""
    place = made.find("(") + 1
    while place and (found := _DECLARED.match(made, place)):
        comment = re.sub(r"\\(.)", r"\1", (found["comment"] or "''")[1:-1])
        yield Entry(found["name"], found["kind"], comment)
        place = found.end() if found["end"] == ", " else 0


def _parameters(made: str) -> Iterator[Entry]:
    for name, kind in sorted(set(_PARAMETER.findall(made))):
        yield Entry(name, kind, PARAMETERS.get(name, ""))


def render(relations: Sequence[Relation]) -> str:
    """The document, in Markdown."""
    parts = [HEAD]
    for relation in relations:
        key = f" One row per ({relation.key}), the highest version counts." if relation.key else ""
        parts.append(f"\n## {relation.about.name}\n\n{'View' if relation.is_view else 'Table'}. {relation.about.comment}{key}\n")
        if relation.parameters:
            parts.append("\n| parameter | type | meaning |\n|---|---|---|\n")
            parts += [f"| `{one.name}` | `{one.kind}` | {_cell(one.comment)} |\n" for one in relation.parameters]
        if relation.columns:
            parts.append("\n| column | type | meaning |\n|---|---|---|\n")
            parts += [f"| `{c.name}` | `{_cell(c.kind)}` | {_cell(c.comment)} |\n" for c in relation.columns]
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def read_fresh() -> list[Relation]:
    """What this release makes: migrates an engine in a folder of its own, which must be the only one of the process."""
    with tempfile.TemporaryDirectory() as folder:
        clickhouse = connect(f"chdb://{Path(folder).resolve()}/data?database=candor")
        try:
            Migrator(clickhouse).apply()
            return read_relations(clickhouse)
        finally:
            clickhouse.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the document."""
    parser = argparse.ArgumentParser(prog="python -m sinks.dictionary", description="Write the data dictionary.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--check", action="store_true", help="only compare; 1 where the file is out of date")
    chosen = parser.parse_args(arguments)
    text = render(read_fresh())
    if not chosen.check:
        chosen.file.write_text(text, encoding="utf-8")
        return 0
    if chosen.file.exists() and chosen.file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{chosen.file} is out of date; run: python -m sinks.dictionary {chosen.file}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
