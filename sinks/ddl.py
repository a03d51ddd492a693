"""The statement that creates a table as declared, in the dialect of the migration files.

``python -m sinks.ddl fact_responses`` prints what a new migration starts from; without arguments, all tables. A migration that was released is never
written again: a test compares what all of them together make with the declarations.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.catalog_rows import CATALOG_TABLES, VERSION
from schemas.rows import TABLES, Column

INSERTED_AT = Column("inserted_at", "DateTime64(3, 'UTC')", "When the row reached ClickHouse (UTC); later copies replace earlier ones.")
"""A column that every table has and no insert carries: ClickHouse fills it."""
FEWER_MERGES = "merge_selector_base = 15"
"""Merging costs more CPU than inserting. A base of 15 instead of 5 rewrites rows a third less often, and FINAL was no slower for it."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a statement is made from; all rows of a key are on one shard, chosen by the columns ``shard_by``; empty: every node holds all rows."""

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_by: str
    shard_by: str


def declared() -> Iterable[Shape]:
    """The facts and cells as ``schemas.rows`` declares them, then the catalog's tables as ``schemas.catalog_rows`` does."""
    for name, spec in TABLES.items():
        shard_by = "account_id" if "account_id" in spec.key else ", ".join(spec.key)
        yield Shape(name.value, spec.meaning, spec.key, spec.columns, spec.partition_by, shard_by)
    for table in CATALOG_TABLES:
        yield Shape(table.name, table.meaning, (table.key,), (*table.columns, VERSION), "", "")


def literal(text: str) -> str:
    """The text as a string of SQL, with the dollar sign doubled as in all migration files."""
    return string(text).replace("$", "$$")


def string(text: str) -> str:
    """The text as a string of SQL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def create(shape: Shape) -> str:
    """The statements that create the table: on every node, and over the shards where there are any."""
    columns = [f"    `{c.name}` {c.clickhouse} COMMENT {literal(c.meaning)}" for c in shape.columns]
    columns.append(f"    `{INSERTED_AT.name}` {INSERTED_AT.clickhouse} DEFAULT now64(3) COMMENT {literal(INSERTED_AT.meaning)}")
    body = ",\n".join(columns)
    local, engine = (f"{shape.name}${{local}}", "${replacing}") if shape.shard_by else (shape.name, "${replacing_everywhere}")
    partition_by = f"PARTITION BY {shape.partition_by}\n" if shape.partition_by else ""
    order_by = shape.key[0] if len(shape.key) == 1 else f"({', '.join(shape.key)})"
    settings = f"SETTINGS {FEWER_MERGES}\n" if shape.shard_by else ""
    text = (
        f"CREATE TABLE IF NOT EXISTS {local}${{on_cluster}}\n(\n{body}\n)\n"
        f"ENGINE = {engine}(version)\n{partition_by}ORDER BY {order_by}\n{settings}COMMENT {literal(shape.meaning)};\n"
    )
    if shape.shard_by:
        text += (
            f"\n-- when: sharded\nCREATE TABLE IF NOT EXISTS {shape.name}${{on_cluster}} AS {local}\n"
            f"ENGINE = Distributed('${{cluster}}', '${{database}}', '{local}', cityHash64({shape.shard_by}))\nCOMMENT {literal(shape.meaning)};\n"
        )
    return text


def create_view(shape: Shape, overlay: Mapping[str, str]) -> str:
    """The statement that creates the view of a fact: all columns but ``version``, newest rows alone, with some columns computed."""
    columns = [c for c in shape.columns if c.name != "version"]
    declared_columns = ",\n".join(f"    `{c.name}` {c.clickhouse} COMMENT {literal(c.meaning)}" for c in columns)
    selected = ",\n".join(f"    {overlay[c.name]} AS {c.name}" if c.name in overlay else f"    fact.{c.name}" for c in columns)
    return (
        f"CREATE OR REPLACE VIEW {shape.name.removeprefix('fact_')}${{on_cluster}}\n(\n{declared_columns}\n)\nAS SELECT\n{selected}\n"
        f"FROM {shape.name} AS fact FINAL\nCOMMENT {literal(shape.meaning)};\n"
    )


def main(arguments: list[str]) -> int:
    """Print the statements of the named tables, or of all."""
    chosen = [shape for shape in declared() if not arguments or shape.name in arguments]
    sys.stdout.write("\n".join(create(shape) for shape in chosen))
    return 0 if chosen else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
