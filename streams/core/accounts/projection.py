"""State as rows for the sink."""

import numpy as np
import pyarrow as pa

from schemas.enums import Channel, Metric
from schemas.rows import TABLES, Table
from streams.core.accounts.state import AccountsState
from streams.core.batch import Int64s
from streams.core.decoding.arrays import decimals

_CHANNELS = np.array([channel.value for channel in Channel], np.object_)
_METRICS = np.array([metric.value for metric in Metric], np.object_)
_INSTANT = pa.timestamp("us", tz="UTC")


def constant(value: int, count: int, kind: pa.DataType) -> pa.Array:
    """Returns an array of one value."""
    return pa.repeat(pa.scalar(value, kind), count)


def account_rows(state: AccountsState, rows: Int64s, partition: int, version: int) -> pa.Table:
    """Returns these accounts as rows of their table."""
    table = state.accounts
    columns: dict[str, pa.Array] = {
        "account_id": pa.array(table.account_id[rows], pa.string()),
        "first_seen": pa.array(table.first_seen[rows]).view(_INSTANT),
        "last_seen": pa.array(table.last_seen[rows]).view(_INSTANT),
        "last_score": pa.array(table.last_score[rows], mask=table.last_response[rows] == 0),
        "partition": constant(partition, len(rows), pa.uint32()),
        "version": constant(version, len(rows), pa.uint64()),
    }
    return _complete(Table.ACCOUNTS, columns, {name: table.column(name)[rows] for name in table.COLUMNS})


def loyalty_rows(state: AccountsState, rows: Int64s, partition: int, version: int) -> pa.Table:
    """Returns these cells as rows of their table."""
    table = state.loyalty
    columns: dict[str, pa.Array] = {
        "day": pa.array(table.day[rows]).view(pa.date32()),
        "unit_id": pa.array(state.units.unit_id[table.unit[rows]], pa.string()),
        "channel": pa.array(_CHANNELS[table.channel[rows]], pa.string()),
        "metric": pa.array(_METRICS[table.metric[rows]], pa.string()),
        "generation": pa.array(table.generation[rows].astype(np.uint64)),
        "partition": constant(partition, len(rows), pa.uint32()),
        "version": constant(version, len(rows), pa.uint64()),
    }
    return _complete(Table.LOYALTY, columns, {name: table.column(name)[rows] for name in table.COLUMNS})


def _complete(table: Table, columns: dict[str, pa.Array], values: dict[str, np.ndarray[tuple[int], np.dtype[np.generic]]]) -> pa.Table:
    """Returns a table of the declared schema; columns not given yet are taken from the state's columns of the same name."""
    schema = TABLES[table].arrow_schema
    for field in schema:
        if field.name not in columns:
            integers = values[field.name]
            columns[field.name] = decimals(integers.astype(np.int64), field.type) if pa.types.is_decimal(field.type) else pa.array(integers)
    return pa.Table.from_arrays([columns[field.name] for field in schema], schema=schema)
