"""What is told of each model of a run, and what its rows look like."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from schemas.model_enums import FitState, Model
from schemas.rows import TABLES, Table
from streams.fitting.drivers import Estimate

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """How one model fared; ``explanation`` says why it could not be fitted, ``reservation`` of a fitted one what of it could not be told, and why."""

    model: Model
    as_of: date
    n: int
    data: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    explanation: str = ""
    reservation: str = ""

    @property
    def state(self) -> FitState:
        """Whether it could be fitted."""
        return FitState.INSUFFICIENT if self.explanation else FitState.FITTED

    def row(self) -> Row:
        """What is kept of it, but for release, run and version."""
        kept = {
            "model": self.model.value,
            "state": self.state.value,
            "as_of": self.as_of,
            "n": self.n,
            "data": self.data,
            "explanation": "; ".join(filter(None, (self.explanation, self.reservation))),
        }
        return {**kept, "parameters": sorted(self.parameters.items())}


def unstamped(table: Table) -> pa.Schema:
    """What a run knows of a row before it is stamped."""
    return pa.schema([one for one in TABLES[table].arrow_schema if one.name not in ("run_id", "version")])


def columns(name: str, found: Estimate | None, limits: tuple[str, str] | None = None) -> Row:
    """A number and its interval as columns, these named ``<name>_low`` and ``<name>_high`` unless told."""
    low, high = limits or (f"{name}_low", f"{name}_high")
    return {name: None, low: None, high: None} if found is None else {name: found.value, low: found.low, high: found.high}
