"""Rows of a topic's fact table, from checked columns."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.enums import Metric, ResponseClass, Topic
from schemas.events import EVENTS, Rule
from schemas.events.fields import Kind
from schemas.rows import TABLES, Table
from streams.core.batch import Bools, Int64s, ProductLines
from streams.core.decoding import arrays
from streams.core.decoding.parsed import Lines, Parsed, Scores, codes
from streams.core.decoding.reading import Batch
from streams.core.decoding.scales import classes, mapped_scores, top_boxes
from streams.core.decoding.structs import structs_of

FACT_TABLES: dict[Topic, Table] = {
    Topic.FEEDBACK: Table.RESPONSES,
    Topic.TRANSACTIONS: Table.TRANSACTIONS,
    Topic.INVITATIONS: Table.INVITATIONS,
    Topic.COMMUNICATIONS: Table.COMMUNICATIONS,
    Topic.ACTIONS: Table.CASES,
    Topic.OUTCOMES: Table.OUTCOMES,
    Topic.OPERATIONS: Table.OPERATIONS,
}
"""The table that the facts of a topic have the columns of."""
_ADDED_LATER = frozenset({"source_partition", "version"})
SCHEMAS: dict[Topic, pa.Schema] = {
    topic: pa.schema([column for column in TABLES[table].arrow_schema if column.name not in _ADDED_LATER]) for topic, table in FACT_TABLES.items()
}
"""Columns of the facts that decoding makes: those of the table, but the source partition and the version."""

Columns = dict[str, pa.Array]


def facts(batch: Batch, parsed: Parsed, computed: Columns) -> pa.Table:
    """One row per event: ``computed`` columns as they are, the others by their kind."""
    rules = structs_of(batch.topic).rules
    schema = SCHEMAS[batch.topic]
    built = [computed[name] if name in computed else _column(batch, parsed, rules[name]) for name in schema.names]
    return pa.Table.from_arrays(built, schema=schema)


def _column(batch: Batch, parsed: Parsed, rule: Rule) -> pa.Array:
    kind = rule.shape.kind
    if kind is Kind.INSTANT:
        return arrays.instants(*parsed.instants[rule.name])
    if kind is Kind.MONEY:
        money = parsed.money[rule.name]
        return arrays.money(money.amounts, money.given if rule.default is None and not rule.required else None)
    values = batch.columns[rule.name]
    if kind is Kind.CLOSED:
        return arrays.names(closed_codes(values, rule), rule.values)
    if kind is Kind.ANSWERS:
        return arrays.maps(values)
    if kind in _ITEMS:
        return arrays.lists(values, _ITEMS[kind])
    return _scalars(values, _SCALARS[kind], rule.default)


def closed_codes(values: list[str | None], rule: Rule) -> npt.NDArray[np.int8]:
    """Index of each value in its closed list; the default's, or -1 without one, for None."""
    return codes(values, rule.values, rule.values.index(str(rule.default)) if rule.default is not None else -1)


def _scalars(values: list[Any], data_type: pa.DataType, default: object) -> pa.Array:
    if values.count(None) == len(values) and default is None:
        return pa.nulls(len(values), data_type)
    column = pa.array(values, data_type)
    return column.fill_null(default) if default is not None and column.null_count else column


_SCALARS: dict[Kind, pa.DataType] = {
    Kind.ID: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.CURRENCY: pa.string(),
    Kind.NUMBER: pa.float64(),
    Kind.INTEGER: pa.int64(),
    Kind.FLAG: pa.bool_(),
}
_ITEMS: dict[Kind, pa.DataType] = {Kind.IDS: pa.string(), Kind.TEXTS: pa.string(), Kind.NUMBERS: pa.float64()}


def common_columns(batch: Batch, parsed: Parsed, days: npt.NDArray[np.int32], synthetic: Bools, offsets: Int64s) -> Columns:
    """Columns of every fact that are not simply a field."""
    return {
        "event_type": arrays.names(parsed.event_type, tuple(EVENTS[batch.topic])),
        "day": arrays.days(days),
        "synthetic": pa.array(synthetic),
        "source_offset": pa.array(offsets),
        **{f"{name}_base": arrays.money(money.base, _optional(batch, name, money.base_given)) for name, money in parsed.money.items()},
    }


def _optional(batch: Batch, name: str, given: Bools) -> Bools | None:
    rule = structs_of(batch.topic).rules[name]
    return given if rule.default is None and not rule.required else None


def score_columns(scores: Scores, revision: Int64s) -> tuple[Columns, npt.NDArray[np.float64]]:
    """Columns of scores, and the mapped scores; all null on a withdrawal."""
    mapped = mapped_scores(scores.metric, scores.score, scores.lowest, scores.highest)
    top, top_two = top_boxes(scores.metric, mapped)
    absent = scores.withdrawn if scores.withdrawn.any() else None
    columns = {
        "revision": pa.array(revision),
        "metric": arrays.names(scores.metric, tuple(Metric)),
        "score": pa.array(scores.score, mask=absent),
        "scale_min": pa.array(scores.lowest, mask=absent),
        "scale_max": pa.array(scores.highest, mask=absent),
        "score_mapped": pa.array(mapped, mask=absent),
        "class": arrays.names(classes(scores.metric, mapped), tuple(ResponseClass)),
        "top_box": pa.array(top, mask=absent),
        "top_two_box": pa.array(top_two, mask=absent),
        "withdrawn": pa.array(scores.withdrawn),
    }
    return columns, mapped


def line_columns(lines: Lines, consumables: frozenset[str]) -> tuple[Columns, ProductLines]:
    """Columns of product lines, a list per event, and the lines flat."""
    products = [line.product_id for line in lines.structs]
    quantities = np.array([1.0 if line.quantity is None else line.quantity for line in lines.structs], np.float64)
    consumable = np.array([line.consumable is True for line in lines.structs], np.bool_)
    if consumables:
        consumable |= np.array([product in consumables for product in products], np.bool_)
    ends = arrays.ends(lines.lengths)
    columns = {
        "product_ids": pa.ListArray.from_arrays(ends, pa.array(products, pa.string())),
        "product_quantities": pa.ListArray.from_arrays(ends, pa.array(quantities)),
        "product_amounts": pa.ListArray.from_arrays(ends, arrays.money(lines.amounts, lines.given)),
        "product_consumable": pa.ListArray.from_arrays(ends, pa.array(consumable)),
    }
    return columns, ProductLines(lines.event, products, np.maximum(np.rint(quantities * 1_000_000), 1).astype(np.int64), consumable)
