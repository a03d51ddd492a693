"""The package for dbt: every table and view as a source with its grain and tests, a model per cube, and semantic models with metrics."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from sinks.dictionary import Entry, Relation
from sinks.semantic.declared import CUBES, Cube, Dimension, Score
from sinks.semantic.generated import MADE, Node, as_yaml, cube_name
from sinks.semantic.grains import GRAINS
from sinks.semantic.rows import keys, rows_sql

FOLDER = PurePosixPath("deploy/dbt/models/candor")
SOURCE = "candor"
REFUSED = "refused"
"""Tag of sources that hold records that were refused, raw: not for every reader."""
_READ_BY_OPERATORS = frozenset({"dead_letters", "fact_dead_letters"})


def package_files(relations: Sequence[Relation]) -> dict[str, str]:
    """Path of each generated file from the root of the project, and its text."""
    columns = {relation.about.name: {column.name: column for column in relation.columns} for relation in relations}
    models = [_model(cube, columns[cube.view]) for cube in CUBES]
    metrics = [metric for cube in CUBES for metric in _metrics(cube)]
    texts = {
        "sources.yml": as_yaml({"version": 2, "sources": [_source(relations)]}),
        "semantic.yml": as_yaml({"version": 2, "models": models, "semantic_models": [_semantic_model(cube) for cube in CUBES], "metrics": metrics}),
        **{f"{cube_name(cube)}.sql": model_sql(cube) for cube in CUBES},
    }
    return {str(FOLDER / name): text for name, text in texts.items()}


def model_sql(cube: Cube) -> str:
    """The rows of the cube, of dbt's source."""
    relation = f"{{{{ source('{SOURCE}', '{cube.view}') }}}}"
    return f"-- {MADE}\n{rows_sql(cube, relation)}"


def _source(relations: Sequence[Relation]) -> Node:
    return {
        "name": SOURCE,
        "description": "Candor's database. Read the views; tables named fact_, cell_ and fit_ are what these read, and may hold old copies of rows.",
        "schema": "{{ var('candor_database', 'candor') }}",
        "tables": [_table(relation) for relation in relations if not relation.parameters],
    }


def grain_of(relation: Relation) -> tuple[str, ...]:
    """Columns that name one row; empty where rows are parts, or where there is one alone."""
    if relation.is_view:
        return GRAINS.get(relation.about.name, ())
    return tuple(part.strip().strip("`") for part in relation.key.split(",") if part.strip())


def _table(relation: Relation) -> Node:
    grain = grain_of(relation)
    config: Node = {"meta": {"grain": list(grain), "kind": "view" if relation.is_view else "table"}}
    if relation.about.name in _READ_BY_OPERATORS:
        config["tags"] = [REFUSED]
    table: Node = {"name": relation.about.name, "description": relation.about.comment, "config": config}
    # Of a table the type itself forbids NULL; of a view the declared type is a promise, as is the key.
    required = [column.name for column in relation.columns if column.name in grain and "Nullable" not in column.kind]
    alone = len(grain) == 1 and relation.is_view
    if grain and not alone:
        arguments: Node = {"columns": list(grain), "required": required, "newest": not relation.is_view}
        table["data_tests"] = [{"one_row_per": {"arguments": arguments}}]
    table["columns"] = [_column(column, alone=alone and column.name in grain) for column in relation.columns]
    return table


def _column(column: Entry, *, alone: bool) -> Node:
    node: Node = {"name": column.name, "description": column.comment, "data_type": column.kind}
    return {**node, "data_tests": ["unique", "not_null"]} if alone else node


def _model(cube: Cube, columns: Mapping[str, Entry]) -> Node:
    groups: list[Node] = [{"name": name, "description": columns[column].comment} for name, column in keys(cube)]
    sums: list[Node] = [{"name": one.name, "description": one.meaning, "config": {"meta": {"unit": one.unit}}} for one in cube.sums]
    return {
        "name": cube_name(cube),
        "description": cube.meaning,
        "config": {"materialized": "view"},
        "columns": [*groups, *sums],
    }


def _semantic_model(cube: Cube) -> Node:
    time = next(dimension.name for dimension in cube.dimensions if dimension.time)
    return {
        "name": cube.name,
        "description": cube.meaning,
        "model": f"ref('{cube_name(cube)}')",
        "defaults": {"agg_time_dimension": time},
        "primary_entity": cube.row,
        "entities": [{"name": name, "type": "foreign", "expr": name} for name, _ in cube.entities],
        "dimensions": [_dimension(dimension) for dimension in cube.dimensions],
        "measures": [{"name": one.name, "agg": "sum", "expr": one.name, "description": one.meaning} for one in cube.sums],
    }


def _dimension(dimension: Dimension) -> Node:
    node: Node = {"name": dimension.name, "type": "time" if dimension.time else "categorical", "expr": dimension.name}
    return {**node, "type_params": {"time_granularity": dimension.time}} if dimension.time else node


def _metrics(cube: Cube) -> list[Node]:
    sums: list[Node] = [
        {
            "name": one.name,
            "label": one.name.replace("_", " "),
            "description": one.meaning,
            "type": "simple",
            "type_params": {"measure": one.name},
            "config": {"meta": {"unit": one.unit, "additive": True}},
        }
        for one in cube.sums
    ]
    return [*sums, *map(_ratio, cube.scores)]


def _ratio(score: Score) -> Node:
    return {
        "name": score.name,
        "label": score.label,
        "description": f"{score.meaning} Not additive. NULL where {score.under} is 0. Show {score.n} beside it.",
        "type": "ratio",
        "type_params": {"numerator": score.over, "denominator": score.under},
        "config": {"meta": {"unit": score.unit, "additive": False, "n": score.n}},
    }
