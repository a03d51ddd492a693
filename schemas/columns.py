"""What tables are declared with: their names, columns and the types of these, in ClickHouse and in Arrow."""

from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Table(StrEnum):
    """A table that Candor writes. Facts are read through the view named without ``fact_``."""

    RESPONSES = "fact_responses"
    WITHDRAWALS = "fact_withdrawals"
    TRANSACTIONS = "fact_transactions"
    INVITATIONS = "fact_invitations"
    COMMUNICATIONS = "fact_communications"
    CASES = "fact_cases"
    OUTCOMES = "fact_outcomes"
    OPERATIONS = "fact_operations"
    DEAD_LETTERS = "fact_dead_letters"
    ADJUDICATIONS = "fact_adjudications"
    LOYALTY = "cell_loyalty"
    ACCOUNTS = "cell_accounts"
    UNITS = "cell_units"
    FINDINGS = "cell_findings"
    SIGNS = "cell_signs"
    JUDGED = "cell_judged"
    FIT_RUNS = "fit_runs"
    FIT_ACCOUNTS = "fit_accounts"
    FIT_NEWCOMERS = "fit_newcomers"
    FIT_DRIVERS = "fit_drivers"
    FIT_LINKAGE = "fit_linkage"
    FIT_PREDICTION = "fit_prediction"
    FIT_EFFECTS = "fit_effects"


ID = "String"
OPTIONAL_ID = "Nullable(String)"
NAME = "LowCardinality(String)"
OPTIONAL_NAME = "LowCardinality(Nullable(String))"
TIME = "DateTime64(6, 'UTC')"
OPTIONAL_TIME = "Nullable(DateTime64(6, 'UTC'))"
DAY = "Date32"
OPTIONAL_DAY = "Nullable(Date32)"
FLAG = "Bool"
OPTIONAL_FLAG = "Nullable(Bool)"
COUNT = "Int64"
NUMBER = "Float64"
OPTIONAL_NUMBER = "Nullable(Float64)"
MONEY = "Decimal(18, 4)"
OPTIONAL_MONEY = "Nullable(Decimal(18, 4))"
MONEY_SUM = "Decimal(38, 4)"
SCORE_SUM = "Decimal(38, 9)"

_MONEY = pa.decimal128(18, 4)
_INSTANT = pa.timestamp("us", tz="UTC")
_ARROW: dict[str, pa.DataType] = {
    ID: pa.string(),
    OPTIONAL_ID: pa.string(),
    NAME: pa.string(),
    OPTIONAL_NAME: pa.string(),
    TIME: _INSTANT,
    OPTIONAL_TIME: _INSTANT,
    DAY: pa.date32(),
    OPTIONAL_DAY: pa.date32(),
    FLAG: pa.bool_(),
    OPTIONAL_FLAG: pa.bool_(),
    COUNT: pa.int64(),
    NUMBER: pa.float64(),
    OPTIONAL_NUMBER: pa.float64(),
    MONEY: _MONEY,
    OPTIONAL_MONEY: _MONEY,
    MONEY_SUM: pa.decimal128(38, 4),
    SCORE_SUM: pa.decimal128(38, 9),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Nullable(Int64)": pa.int64(),
    "Array(String)": pa.list_(pa.string()),
    "Array(Nullable(String))": pa.list_(pa.string()),
    "Array(Float64)": pa.list_(pa.float64()),
    "Array(Bool)": pa.list_(pa.bool_()),
    "Array(Nullable(Decimal(18, 4)))": pa.list_(_MONEY),
    "Map(String, Float64)": pa.map_(pa.string(), pa.float64()),
}
BYTES = frozenset({"key", "value", "header_values"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its ClickHouse type and what it means, with unit where it has one."""

    name: str
    clickhouse: str
    meaning: str

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that inserts into the ClickHouse type."""
        return _ARROW[self.clickhouse]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: ``ReplacingMergeTree(version)`` ordered by ``key``, so the highest version of a key counts."""

    table: Table
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_by: str = ""

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema of a batch to insert, in declared order; ``key`` and ``value`` of dead letters are raw bytes."""
        return pa.schema(
            [pa.field(c.name, _as_bytes(c.arrow) if self.table is Table.DEAD_LETTERS and c.name in BYTES else c.arrow) for c in self.columns]
        )

    def column(self, name: str) -> Column:
        """The column of that name; raises ``KeyError`` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.table} has no column {name}")


def _as_bytes(arrow: pa.DataType) -> pa.DataType:
    return pa.list_(pa.binary()) if pa.types.is_list(arrow) else pa.binary()
