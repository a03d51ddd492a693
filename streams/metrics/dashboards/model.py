"""What a dashboard is made of, and how Grafana reads it (its JSON model, schema version 41: Grafana 12; newer ones take it over)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum

from streams.metrics.dashboards.colours import CRITICAL, PALETTE, WARNING, WELL

SCHEMA_VERSION = 41
COLUMNS = 24
"""A row of the grid is so wide."""


class Source(Enum):
    """A data source as it is provisioned: its plugin and its uid."""

    PROMETHEUS = ("prometheus", "candor-prometheus")
    CLICKHOUSE = ("grafana-clickhouse-datasource", "candor-clickhouse")

    def reference(self) -> dict[str, str]:
        """How panels name it."""
        plugin, uid = self.value
        return {"type": plugin, "uid": uid}


class Kind(StrEnum):
    """How a panel draws."""

    SERIES = "timeseries"
    STAT = "stat"
    TABLE = "table"
    BARS = "barchart"


class Unit(StrEnum):
    """Units as Grafana names them."""

    NUMBER = "short"
    SHARE = "percentunit"
    SECONDS = "s"
    HOURS = "h"
    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    PER_SECOND = "cps"
    POINTS = "suffix: pts"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL and what its series are called (``{{label}}`` is filled in), or SQL, whose columns are series or columns."""

    text: str
    legend: str = ""
    at_once: bool = False
    """PromQL asked for the newest moment alone, for tables."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """From this value on something is wrong: somebody is called (``critical``), or looks during the day."""

    value: float
    critical: bool = True
    below: bool = False
    """It is wrong below it."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one series or column differs from the rest of its panel; ``name`` is its legend or its column."""

    name: str
    unit: Unit | None = None
    colour: str = ""
    dashed: bool = False
    bars: bool = False
    right: bool = False
    """It has an axis of its own, at the right."""
    fill_to: str = ""
    """The area down to that series is filled: an interval."""
    hidden_line: bool = False
    link: str = ""
    """Where a cell leads to; ``${__value.text}`` and ``${__data.fields.name}`` are filled in."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    description: str
    source: Source
    kind: Kind
    unit: Unit
    queries: Sequence[Query]
    width: int = 8
    height: int = 8
    thresholds: Sequence[Threshold] = ()
    looks: Sequence[Look] = ()
    runbooks: Sequence[tuple[str, str]] = ()
    """Names of alerts, and where the page about each is."""
    stacked: bool = False
    low: float | None = None
    high: float | None = None
    """Ends of the axis."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, side by side as far as they fit."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Variable:
    """What the reader chooses at the top; several values may be chosen, or all. A hidden one is a value to show in titles."""

    name: str
    label: str
    source: Source
    query: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    since: str = "now-6h"
    refresh: str = "30s"
    links: Sequence[tuple[str, str]] = field(default=())
    """Titles and addresses."""

    @property
    def panels(self) -> Sequence[Panel]:
        """All panels, in order."""
        return [panel for row in self.rows for panel in row.panels]

    def model(self) -> dict[str, object]:
        """As Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": ["candor"],
            "schemaVersion": SCHEMA_VERSION,
            "editable": False,
            # Days are local days of the catalog's time zone already: shown as UTC they stay what they are.
            "timezone": "utc",
            "time": {"from": self.since, "to": "now"},
            "refresh": self.refresh,
            "graphTooltip": 1,
            "links": [
                {"type": "dashboards", "tags": ["candor"], "title": "Candor", "asDropdown": True, "keepTime": False},
                *({"type": "link", "title": title, "url": url, "targetBlank": True} for title, url in self.links),
            ],
            "templating": {"list": [_variable(one) for one in self.variables]},
            "annotations": {"list": []},
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[dict[str, object]]:
        number, y = 0, 0
        for row in self.rows:
            number += 1
            yield {
                "id": number,
                "type": "row",
                "title": row.title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            }
            x, y, height = 0, y + 1, 0
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, height = 0, y + height, 0
                number += 1
                yield {"id": number, "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}, **_panel(panel)}
                x, height = x + panel.width, max(height, panel.height)
            y += height


def _variable(one: Variable) -> dict[str, object]:
    query: object = {"query": one.query, "refId": one.name} if one.source is Source.PROMETHEUS else one.query
    choice: dict[str, object] = {}
    if not one.hidden:
        choice = {"multi": True, "includeAll": True, "current": {"text": ["All"], "value": ["$__all"]}}
        if one.source is Source.PROMETHEUS:
            # Else all are those that can be listed: none once the workers have been away for longer than the time that is shown, and lag is gone too.
            choice["allValue"] = ".+"
    return {
        "type": "query",
        "name": one.name,
        "label": one.label,
        "datasource": one.source.reference(),
        "query": query,
        "definition": one.query,
        # Asked again whenever the dashboard is loaded.
        "refresh": 1,
        # 2: not shown at all.
        "hide": 2 if one.hidden else 0,
        **choice,
    }


def _panel(panel: Panel) -> dict[str, object]:
    return {
        "type": panel.kind.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": panel.source.reference(),
        "targets": [_target(panel, query, ref) for query, ref in zip(panel.queries, "ABCDEFGH", strict=False)],
        "links": [{"title": f"What to do: {name}", "url": url, "targetBlank": True} for name, url in panel.runbooks],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": [_override(look) for look in panel.looks]},
        "options": _options(panel),
    }


def _target(panel: Panel, query: Query, ref: str) -> dict[str, object]:
    common: dict[str, object] = {"refId": ref, "datasource": panel.source.reference()}
    if panel.source is Source.CLICKHOUSE:
        # Format 1 is a table: columns as they are, of which drawings take the time and the numbers.
        return {**common, "editorType": "sql", "format": 1, "queryType": "table", "pluginVersion": "4.20.0", "rawSql": query.text}
    table = panel.kind is Kind.TABLE
    return {
        **common,
        "expr": query.text,
        "legendFormat": query.legend or "__auto",
        "range": not query.at_once,
        "instant": query.at_once,
        "format": "table" if table else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, object]:
    defaults: dict[str, object] = {"unit": panel.unit.value, "noValue": "-", "thresholds": {"mode": "absolute", "steps": _steps(panel.thresholds)}}
    if panel.low is not None:
        defaults["min"] = panel.low
    if panel.high is not None:
        defaults["max"] = panel.high
    if panel.kind is Kind.STAT:
        defaults["color"] = {"mode": "thresholds"} if panel.thresholds else {"mode": "fixed", "fixedColor": WELL}
    elif panel.kind is Kind.TABLE:
        defaults["color"] = {"mode": "thresholds"}
        defaults["custom"] = {"filterable": True}
    else:
        # Series that nobody knows beforehand (workers) differ in lightness, which everybody sees.
        defaults["color"] = {"mode": "shades", "fixedColor": PALETTE[0]}
        defaults["custom"] = _drawing(panel)
    return defaults


def _drawing(panel: Panel) -> dict[str, object]:
    if panel.kind is Kind.BARS:
        return {"fillOpacity": 80, "lineWidth": 1}
    return {
        "drawStyle": "line",
        "lineWidth": 2,
        "fillOpacity": 30 if panel.stacked else 0,
        "showPoints": "auto",
        # What is not known is a gap, never a line across it.
        "spanNulls": False,
        "insertNulls": False,
        "stacking": {"mode": "normal" if panel.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if panel.thresholds else "off"},
    }


def _steps(thresholds: Sequence[Threshold]) -> list[dict[str, object]]:
    # Grafana colours from each step upwards; of what is wrong below a value the step above is the good one.
    upwards = sorted((one for one in thresholds if not one.below), key=lambda one: one.value)
    downwards = sorted((one for one in thresholds if one.below), key=lambda one: one.value)
    steps: list[dict[str, object]] = [{"value": None, "color": _colour(downwards[0]) if downwards else WELL}]
    for number, one in enumerate(downwards):
        steps.append({"value": one.value, "color": _colour(downwards[number + 1]) if number + 1 < len(downwards) else WELL})
    return [*steps, *({"value": one.value, "color": _colour(one)} for one in upwards)]


def _colour(threshold: Threshold) -> str:
    return CRITICAL if threshold.critical else WARNING


def _override(look: Look) -> dict[str, object]:
    properties: list[tuple[str, object]] = []
    if look.unit is not None:
        properties.append(("unit", look.unit.value))
    if look.colour:
        properties.append(("color", {"mode": "fixed", "fixedColor": look.colour}))
    if look.dashed:
        properties.append(("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}))
    if look.bars:
        properties += [("custom.drawStyle", "bars"), ("custom.fillOpacity", 20), ("custom.lineWidth", 0)]
    if look.right:
        properties.append(("custom.axisPlacement", "right"))
    if look.fill_to:
        properties += [("custom.fillBelowTo", look.fill_to), ("custom.fillOpacity", 15)]
    if look.hidden_line:
        properties += [("custom.lineWidth", 0), ("custom.showPoints", "never")]
    if look.link:
        properties.append(("links", [{"title": "What to do", "url": look.link, "targetBlank": True}]))
    return {
        "matcher": {"id": "byName", "options": look.name},
        "properties": [{"id": name, "value": value} for name, value in properties],
    }


def _options(panel: Panel) -> dict[str, object]:
    if panel.kind is Kind.STAT:
        calculation = {"calcs": ["lastNotNull"], "fields": "/.*/" if panel.source is Source.CLICKHOUSE else "", "values": False}
        return {"reduceOptions": calculation, "colorMode": "value", "graphMode": "none", "textMode": "value_and_name", "orientation": "auto"}
    if panel.kind is Kind.TABLE:
        return {"showHeader": True, "cellHeight": "sm"}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    if panel.kind is Kind.BARS:
        return {"orientation": "auto", "stacking": "normal" if panel.stacked else "none", "legend": legend, "tooltip": {"mode": "multi"}}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
