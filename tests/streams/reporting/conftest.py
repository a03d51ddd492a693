"""A page as a reader finds it, and a simulated company to write one about."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.catalog import Catalog
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.files import write_events
from streams.fitting.reading import Source
from streams.fitting.recording import next_version, record
from streams.fitting.run import fit
from streams.replay import Replay
from streams.reporting import Asked, ReportSource, render
from streams.reporting.rows import Numbers
from streams.reporting.sections import build
from streams.reporting.sections.model import Figure
from streams.settings import load_settings
from streams.simulate import Plan, simulate
from streams.stages import chained_stages

KPIS = [
    {"kpi_id": "recommend", "measure": "nps", "orientation": "customer", "weight": 2, "payout_share": 0.1, "scorecard": "branch"},
    {"kpi_id": "revenue", "orientation": "company", "weight": 3, "payout_share": 0.4, "scorecard": "branch"},
    {"kpi_id": "calls", "orientation": "company", "weight": 1, "scorecard": "service"},
]
_VOID = frozenset({"meta", "link", "img", "br", "hr", "input"})


@dataclass
class Page(HTMLParser):
    """What is on a page: tables by caption, text of sections, attributes of every element."""

    html: str
    tables: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sections: dict[str, str] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    headings: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Read the page."""
        super().__init__(convert_charrefs=True)
        self._open: list[str] = []
        self._section, self._caption, self._term = "", "", ""
        self._columns: list[str] = []
        self._cells: list[str] = []
        self.feed(self.html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element, and where text that follows belongs."""
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag in _VOID:
            return
        self._open.append(tag)
        if tag == "section":
            self._section = attributes["id"]
            self.sections[self._section] = ""
        elif tag == "table":
            self._caption, self._columns = "", []
        elif tag == "tr":
            self._cells = []
        elif tag in ("td", "th"):
            self._cells.append("")
        elif tag == "dt":
            self._term = ""
        elif tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        """Close an element; the page closes what it opens, in order."""
        assert self._open.pop() == tag
        if tag == "caption":
            assert self._caption not in self.tables
            self.tables[self._caption] = []
        elif tag == "tr" and "thead" in self._open:
            self._columns = self._cells
        elif tag == "tr":
            # Several columns may be called interval: of one name the first counts.
            row: dict[str, str] = {}
            for name, text in zip(self._columns, self._cells, strict=True):
                row.setdefault(name, text)
            self.tables[self._caption].append(row)

    def handle_data(self, data: str) -> None:
        """Text of a cell, a caption or a section."""
        data = data.replace("\u00a0", " ")
        if "dt" in self._open:
            self._term += data
        elif "dd" in self._open:
            self.definitions[self._term] = self.definitions.get(self._term, "") + data
        if "caption" in self._open:
            self._caption += data
        elif "tr" in self._open:
            self._cells[-1] += data
        elif self._section and "section" in self._open and "svg" not in self._open:
            self.sections[self._section] += data


def migrated(folder: Path) -> ClickHouse:
    """An engine in this process; close it, since a process can hold one folder at a time."""
    clickhouse = connect(f"chdb://{folder}?database=candor")
    Migrator(clickhouse).apply()
    return clickhouse


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """Seven months of a company, of which every section has something to show; some units of it are suspect."""
    with simulated(tmp_path_factory.mktemp("company"), Plan(events=40_000, units=24, accounts=1_500, months=7, gamed_share=0.2)) as clickhouse:
        yield clickhouse


@contextmanager
def simulated(folder: Path, plan: Plan) -> Iterator[ClickHouse]:
    """A company, judged and fitted, in an engine of this process."""
    simulation = simulate(plan)
    catalog = Catalog.model_validate({**yaml.safe_load(simulation.catalog()), "kpis": KPIS, "grades": {"repurchase_days": 14}})
    events = folder / "events.ndjson"
    write_events(events, simulation.records())
    with closing(migrated(folder / "data")) as clickhouse:
        write_catalog(clickhouse, catalog)
        Replay(chained_stages(load_settings(), catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([events])
        run = fit(Source(clickhouse), catalog)
        assert run is not None
        record(clickhouse, run, next_version(clickhouse))
        yield clickhouse


def asked(clickhouse: ClickHouse, sql: str, **parameters: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = clickhouse.query(sql, parameters).to_pylist()
    return found


@pytest.fixture(scope="module")
def whole(company: ClickHouse) -> Asked:
    """All days of the company, so that the views over all days say the same."""
    days = asked(company, "SELECT min(day) AS first, max(day) AS last FROM loyalty_daily")[0]
    return Asked(days["first"], days["last"])


@pytest.fixture(scope="module")
def numbers(company: ClickHouse, whole: Asked) -> Numbers:
    source = ReportSource(company)
    return source.numbers(source.scope(whole))


@pytest.fixture(scope="module")
def page(numbers: Numbers) -> Page:
    return Page(render(numbers))


@pytest.fixture(scope="module")
def figures(numbers: Numbers) -> dict[str, Figure]:
    return {
        figure.identity: figure
        for section in build(numbers)
        for figure in [*section.figures, *(one for item in section.items for one in item.figures)]
    }
