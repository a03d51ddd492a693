"""Charts as Superset stores them: what the page builds its query from, and the query itself, made from one declaration."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID, uuid5

from sinks.semantic.declared import Cube
from sinks.semantic.generated import Node, cube_name
from sinks.semantic.superset import formats

VERSION = "1.0.0"
"""Of Superset's format."""
_NAMES = UUID("5b0c3c1e-6d0f-5f0e-9a39-6a7d0c8a2f11")
"""Identities are made from names, so that a newer bundle replaces what an older one brought."""
_ROWS_AT_MOST = 1000
_FEWEST_CASES = 30
PART = "_part"
"""Ends the names of columns that hold what one row brings to a sum."""
AT_GRAIN = "_at_grain"
"""Ends the names of metrics that show a value of a view where a group is one row alone."""


def identity(kind: str, name: str) -> str:
    """The same at every export."""
    return str(uuid5(_NAMES, f"{kind}/{name}"))


class Kind(StrEnum):
    """What a chart looks like, by Superset's own name."""

    NUMBER = "big_number_total"
    LINE = "echarts_timeseries_line"
    BARS = "echarts_timeseries_bar"
    TABLE = "table"


class Only(NamedTuple):
    """Rows whose column has this value."""

    column: str
    value: str | bool


@dataclass(frozen=True, slots=True)
class Chart:
    """What is shown, of a cube or of a view.

    Of a cube ``metrics`` are its sums and scores, by ``by``; of a view they are values at its grain. A table without ``metrics`` shows rows as they
    are, with the columns of ``by``. Of a line or bars, ``time`` is the column that runs to the right; bars are ``stacked`` if parts of a whole. A
    line leaves out what rests on fewer than 30 of its ``cases``, sums of the cube: a month that has just begun would look like a fall.
    ``width`` is in twelfths of the page, ``height`` in units of 8 pixels.
    """

    name: str
    title: str
    says: str
    kind: Kind
    of: Cube | str
    metrics: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    time: str = ""
    cases: tuple[str, ...] = ()
    only: tuple[Only, ...] = ()
    most_first: str = ""
    stacked: bool = False
    width: int = 6
    height: int = 40

    @property
    def dataset(self) -> str:
        """The name of what it is drawn from."""
        return dataset_name(self.of)

    @property
    def _days(self) -> str:
        """The column of time that a dashboard's choice of days goes by, where there is one."""
        return self.time if isinstance(self.of, str) else next(one.name for one in self.of.dimensions if one.time)

    def node(self) -> Node:
        """The file's content."""
        return {
            "slice_name": self.title,
            "description": self.says,
            "certified_by": None,
            "certification_details": None,
            "viz_type": self.kind.value,
            "params": self._form(),
            "query_context": json.dumps(self._context(), ensure_ascii=False),
            "cache_timeout": None,
            "uuid": identity("chart", self.name),
            "version": VERSION,
            "dataset_uuid": identity("dataset", self.dataset),
        }

    def _form(self) -> Node:
        """What Superset's page builds its query from."""
        filters: list[Node] = [{"subject": column, "operator": "==", "comparator": value} for column, value in self.only]
        if self._days:
            filters.append({"subject": self._days, "operator": "TEMPORAL_RANGE", "comparator": "No filter"})
        form: Node = {
            "viz_type": self.kind.value,
            "adhoc_filters": [{"clause": "WHERE", "expressionType": "SIMPLE", **one} for one in filters]
            + ([{"clause": "HAVING", "expressionType": "SQL", "sqlExpression": self._having}] if self.cases else []),
            "row_limit": _ROWS_AT_MOST,
            "extra_form_data": {},
            **self._of_kind(),
        }
        return form

    @property
    def _having(self) -> str:
        return f"{' + '.join(f'sum({name}{PART})' for name in self.cases)} >= {_FEWEST_CASES}" if self.cases else ""

    def _of_kind(self) -> Node:
        if self.kind is Kind.NUMBER:
            return {"metric": self.metrics[0], "header_font_size": 0.4, "subheader_font_size": 0.15}
        if self.kind is Kind.TABLE:
            return self._table()
        return {
            "x_axis": self.time,
            # Time is cut by a column of the dataset, which says why.
            "time_grain_sqla": None,
            "metrics": list(self.metrics),
            "groupby": list(self.by),
            "x_axis_sort_asc": True,
            "show_legend": True,
            "rich_tooltip": True,
            "markerEnabled": self.kind is Kind.LINE,
            "stack": "Stack" if self.stacked else None,
            "truncate_metric": True,
            # The axis of a score begins where the values do; that of counts at nothing.
            "truncateYAxis": self.kind is Kind.LINE,
            "y_axis_bounds": [None, None],
            "x_axis_time_format": self._time_format,
            "tooltipTimeFormat": self._time_format,
            "y_axis_format": formats.of_axis(map(self._format, self.metrics)) or "SMART_NUMBER",
        }

    @property
    def _time_format(self) -> str:
        return "%Y-%m" if self.time.endswith("month") else "%Y-%m-%d"

    def _format(self, metric: str) -> str | None:
        """How a metric is written; None: as Superset likes."""
        if isinstance(self.of, str):
            return formats.of_column(metric.removesuffix(AT_GRAIN))
        units = {one.name: one.unit for one in self.of.sums} | {one.name: one.unit for one in self.of.scores}
        return formats.BY_UNIT.get(units[metric])

    def _table(self) -> Node:
        shown: Node = {"table_timestamp_format": "%Y-%m-%d", "show_cell_bars": False, "allow_rearrange_columns": True, "server_page_length": 25}
        if not self.metrics:
            order = [json.dumps([self.most_first, False])] if self.most_first else []
            written = {name: {"d3NumberFormat": found} for name in self.by if (found := formats.of_column(name)) is not None}
            return {"query_mode": "raw", "all_columns": list(self.by), "order_by_cols": order, "column_config": written, **shown}
        return {
            "query_mode": "aggregate", "groupby": list(self.by), "metrics": list(self.metrics), "timeseries_limit_metric": self.most_first or None,
            "order_desc": True, **shown,
        }  # fmt: skip

    def _context(self) -> Node:
        """The query, for readers of the API, alerts and reports: they have no page that would build it."""
        filters: list[Node] = [{"col": column, "op": "==", "val": value} for column, value in self.only]
        if self._days:
            filters.append({"col": self._days, "op": "TEMPORAL_RANGE", "val": "No filter"})
        raw = not self.metrics
        order: list[object] = [[self.most_first, False]] if self.most_first else [[self.time, True]] if self.time else []
        query: Node = {
            "columns": [*([self._axis()] if self.time else []), *self.by],
            "filters": filters,
            "orderby": order,
            "row_limit": _ROWS_AT_MOST,
            "extras": {"having": self._having, "where": ""},
            **({} if raw else {"metrics": list(self.metrics)}),
        }
        return {
            "datasource": {"id": 0, "type": "table"},
            "force": False,
            "queries": [query],
            "result_format": "json",
            "result_type": "full",
            "form_data": self._form(),
        }

    def _axis(self) -> Mapping[str, object]:
        """The column that runs to the right."""
        return {"columnType": "BASE_AXIS", "sqlExpression": self.time, "label": self.time, "expressionType": "SQL"}


def dataset_name(of: Cube | str) -> str:
    """The dataset of a cube, or of a view."""
    return of if isinstance(of, str) else cube_name(of)
