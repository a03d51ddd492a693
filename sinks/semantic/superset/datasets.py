"""Datasets: of each cube its sums, with scores as metrics; of a view its rows, with values that show where a group is one row alone."""

from collections.abc import Mapping, Sequence

from sinks.dictionary import Entry, Relation
from sinks.semantic.declared import Cube, Dimension, Score, Sum
from sinks.semantic.generated import Node
from sinks.semantic.grains import GRAINS
from sinks.semantic.rows import keys, rows_sql
from sinks.semantic.superset import formats
from sinks.semantic.superset.charts import AT_GRAIN, PART, VERSION, dataset_name, identity

DATABASE = "Candor"
_AT_GRAIN = "Shown where a group is one row of the view, else NULL: it may not be added up or averaged."
_SUM, _AMOUNT = "Int64", "Decimal(38, 4)"
_AMOUNTS = frozenset({"base currency", "steps"})
_NUMBERS = ("Int", "UInt", "Float", "Decimal")


def of_cube(cube: Cube, columns: Mapping[str, Entry]) -> Node:
    """Keys and sums of the cube as columns, sums and scores as metrics; there is no column that holds a score.

    Columns are named otherwise than metrics, and days, weeks and months are columns of their own: ClickHouse takes a column's name for an expression
    that is named so, and Superset names expressions after columns. A range of days would then act on the first days of months.
    """
    groups = [_column(name, columns[column].kind, columns[column].comment) for name, column in keys(cube)]
    days = next(dimension for dimension in cube.dimensions if dimension.time)
    steps = [_column(name, columns[days.column].kind, about) for name, _, about in steps_of(days)]
    sums = [_column(one.name + PART, _AMOUNT if one.unit in _AMOUNTS else _SUM, f"{one.meaning} In {one.unit}.", groups=False) for one in cube.sums]
    about = f"{cube.meaning} Columns may be added up; scores are metrics, computed again for every grouping."
    metrics = [*map(_sum, cube.sums), *map(_score, cube.scores)]
    sql = rows_sql(cube, cube.view, [(name, cut) for name, cut, _ in steps_of(days)], PART)
    return _dataset(dataset_name(cube), about, [*groups, *steps, *sums], metrics, time=days.name, sql=sql)


def steps_of(days: Dimension) -> list[tuple[str, str, str]]:
    """Name, SQL and meaning of the columns that cut time more coarsely: differences of days, which no time zone moves, and which keep Date32."""
    known = {
        step: (f"{days.name}_{step}", f"{days.column} - ({function}({days.column}) - 1)", f"First day of the {step}. To group by {step}s, take this.")
        for step, function in (("week", "toDayOfWeek"), ("month", "toDayOfMonth"), ("year", "toDayOfYear"))
    }
    return list(known.values()) if days.time == "day" else [known["year"]]


def of_view(relation: Relation) -> Node:
    """The rows of a view as they are."""
    name = relation.about.name
    grain = f"One row per ({', '.join(GRAINS[name])})." if GRAINS[name] else "One row."
    columns = [_column(one.name, one.kind, one.comment, groups=not _is_number(one)) for one in relation.columns]
    metrics = [_at_grain(one) for one in relation.columns if _is_number(one) and one.name not in GRAINS[name]]
    time = next((one.name for one in relation.columns if "Date" in one.kind), None)
    return _dataset(name, f"{relation.about.comment} {grain}", columns, metrics, time=time, warning="Scores may not be added up or averaged.")


def _is_number(column: Entry) -> bool:
    return _plain(column.kind).startswith(_NUMBERS)


def _plain(kind: str) -> str:
    """The type without what says how it is kept, or that it may be NULL: Superset reads a type by its name."""
    for wrapper in ("LowCardinality(", "Nullable("):
        kind = kind.removeprefix(wrapper).removesuffix(")") if kind.startswith(wrapper) else kind
    return kind


def _dataset(
    name: str, about: str, columns: Sequence[Node], metrics: Sequence[Node], *, time: str | None, sql: str | None = None, warning: str | None = None
) -> Node:
    return {
        "table_name": name,
        "main_dttm_col": time,
        "description": about,
        "default_endpoint": None,
        "offset": 0,
        "cache_timeout": None,
        # The database that the connection names.
        "catalog": None,
        "schema": None,
        "sql": sql,
        "params": None,
        "template_params": None,
        "filter_select_enabled": True,
        "fetch_values_predicate": None,
        "extra": {"warning_markdown": warning} if warning else None,
        "normalize_columns": False,
        "uuid": identity("dataset", name),
        "metrics": list(metrics),
        "columns": list(columns),
        "version": VERSION,
        "database_uuid": identity("database", DATABASE),
    }


def _column(name: str, kind: str, comment: str, *, groups: bool = True) -> Node:
    return {
        "column_name": name,
        "verbose_name": None,
        "is_dttm": "Date" in kind,
        "is_active": True,
        "type": _plain(kind),
        "groupby": groups,
        "filterable": True,
        "expression": None,
        "description": comment,
        "python_date_format": None,
    }


def _metric(name: str, label: str, expression: str, about: str, shown: str | None, warning: str | None = None) -> Node:
    return {
        "metric_name": name,
        "verbose_name": label,
        "metric_type": None,
        "expression": expression,
        "description": about,
        "d3format": shown,
        "extra": {"warning_markdown": warning} if warning else None,
        "warning_text": None,
    }


def _sum(one: Sum) -> Node:
    shown = formats.BY_UNIT.get(one.unit, formats.COUNT)
    return _metric(one.name, _spelled(one.name), f"sum({one.name}{PART})", f"{one.meaning} In {one.unit}.", shown)


def _score(score: Score) -> Node:
    about = f"{score.meaning} In {score.unit}. NULL where {score.under} is 0. Show {score.n} beside it."
    expression = f"toFloat64(sum({score.over}{PART})) / nullIf(toFloat64(sum({score.under}{PART})), 0)"
    return _metric(score.name, score.label, expression, about, formats.BY_UNIT[score.unit])


def _at_grain(column: Entry) -> Node:
    expression = f"if(count() = 1, any({column.name}), NULL)"
    about = f"{column.comment} {_AT_GRAIN}"
    return _metric(column.name + AT_GRAIN, _spelled(column.name), expression, about, formats.of_column(column.name), _AT_GRAIN)


def _spelled(name: str) -> str:
    return name.replace("_", " ")
