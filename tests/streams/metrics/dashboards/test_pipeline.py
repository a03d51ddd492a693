"""Every PromQL of every panel: of declared metrics and labels alone, and answered by a Prometheus that scrapes metrics of a worker and a probe."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from schemas.enums import FlushStep, RejectReason, SinkFailure, Stage, Topic
from schemas.rows import Table
from streams.broker.ready import free_port
from streams.lag.heartbeat import Heartbeats, Passed
from streams.lag.probe import Probe
from streams.lag.reading import Place
from streams.lag.rules import Look
from streams.metrics import declared
from streams.metrics.alerts import ALERTS, groups
from streams.metrics.collectors import Counter, Gauge, Histogram, combinations
from streams.metrics.dashboards.files import DASHBOARDS
from streams.metrics.dashboards.model import Kind, Panel, Query, Source
from streams.metrics.declared import BUSINESS, PROBE, WORKER
from streams.metrics.health import Health
from streams.metrics.rule import RUNBOOKS, Pace, Team
from streams.metrics.server import MetricsServer
from streams.metrics.worker import WorkerMetrics, new_registry
from tests.conftest import wait_for
from tests.deploy.pages import ROOT
from tests.deploy.prometheus import prometheus_command

PANELS = [panel for dashboard in DASHBOARDS for panel in dashboard.panels if panel.source is Source.PROMETHEUS]
QUERIES = [(panel, query) for panel in PANELS for query in panel.queries]
VARIABLES = [variable for dashboard in DASHBOARDS for variable in dashboard.variables if variable.source is Source.PROMETHEUS]
STAGES = "|".join(Stage)
SCRAPED = {"job", "instance"}
"""Labels that Prometheus gives every series that it scrapes."""
RECORDED = {str(rule["record"]): str(rule["expr"]) for group in groups(Pace()) for rule in group.recorded}
FUNCTIONS = {"sum", "max", "count", "rate", "increase", "changes", "time", "vector", "clamp_min", "histogram_quantile", "by", "or"}
SUFFIXES = re.compile(r"_(bucket|count|sum)$")


def _expanded(query: Query) -> str:
    """As Grafana sends it, with all stages chosen; the rate interval is four scrapes, as it makes it."""
    text = query.text.replace("$__rate_interval", "4s").replace("$stage", f"({STAGES})")
    assert "$" not in text, text
    return text


def _known() -> dict[str, dict[str, tuple[str, ...]]]:
    """Labels of each metric that may be asked for, and their values; none where they are known only at run time."""
    families = {family.name: family for family in new_registry().collect()}
    process = [sample.name for name, family in families.items() if name.startswith("process_") for sample in family.samples]
    of_prometheus = {"up": {}, "ALERTS": {"alertname": (), "alertstate": ("pending", "firing"), "severity": (), "team": ()}}
    ours = {metric.exported: {label.name: label.values for label in metric.labels} for metric in (*WORKER, *PROBE)}
    return {**ours, **of_prometheus, **{name: {} for name in process}, **{name: {} for name in RECORDED}}


def _metrics_and_labels(promql: str) -> tuple[set[str], set[str], set[tuple[str, str]]]:
    """Names of metrics, names of labels, and labels with the values that are asked for."""
    matched = {(name, value) for name, text in re.findall(r'(\w+)=~?"([^"]*)"', promql) for value in text.strip("()").split("|")}
    labels = {name for name, _ in matched}
    for listed in re.findall(r"\bby \(([^)]*)\)", promql):
        labels |= {name.strip() for name in listed.split(",")}
    rest = re.sub(r"\bby \([^)]*\)", "", re.sub(r"\{[^}]*\}|\[[^]]*\]", "", promql))
    return {name for name in re.findall(r"[A-Za-z_:][A-Za-z0-9_:]*", rest) if name not in FUNCTIONS}, labels, matched


@pytest.mark.parametrize(("panel", "query"), QUERIES, ids=lambda value: value.title if isinstance(value, Panel) else "")
def test_a_query_names_only_what_is_declared(panel: Panel, query: Query) -> None:
    known = _known()

    metrics, labels, matched = _metrics_and_labels(_expanded(query))

    assert metrics, panel.title
    bases = {name if name in known else SUFFIXES.sub("", name) for name in metrics}
    assert bases <= set(known)
    of_these = {name: values for base in bases for name, values in known[base].items()}
    assert labels <= {*of_these, *SCRAPED, "le"}
    for name, value in matched:
        assert value in of_these.get(name, ()) or name in {"job", "alertname"}, (name, value)


def test_what_is_not_declared_would_be_found() -> None:
    metrics, labels, matched = _metrics_and_labels('sum by (stage) (rate(candor_typo_total{reason="x|y"}[5m])) / time()')

    assert (metrics, labels, matched) == ({"candor_typo_total"}, {"stage", "reason"}, {("reason", "x"), ("reason", "y")})


class Served:
    """A worker and a probe whose numbers move."""

    def __init__(self) -> None:
        self.worker, self.probe, registry = WorkerMetrics(), Probe(60.0), new_registry()
        registry.register(self.probe)
        self.heartbeats = Heartbeats(60.0, 1_000.0)
        registry.register(self.heartbeats)
        self.servers = {
            "candor-worker": MetricsServer(self.worker.registry, Health(), "127.0.0.1", 0),
            "candor-lag": MetricsServer(registry, Health(), "127.0.0.1", 0),
        }
        self.moved = 0

    def move(self) -> None:
        """Everything counts on."""
        self.moved += 1
        for stage in Stage:
            numbers = self.worker.stage(stage)
            members: list[object] = [*vars(numbers).values()]
            for labelled in (numbers.dead_letters, numbers.flush_seconds, numbers.watermark, numbers.lateness):
                members += labelled.values()
            for member in members:
                self._count(member)
        for table in self.worker.tables.values():
            for member in (*vars(table).values(), *table.failures.values()):
                self._count(member)
        self.heartbeats.sent(1_000.0 + self.moved)
        self.heartbeats.saw(Passed(1_000.0 + self.moved, 0.5))
        place = Place(Stage.ACCOUNTS, "feedback", 0)
        self.probe.saw_lag({place: Look(1_000.0 + self.moved, 10 + self.moved, 300, 940.0, is_owned=True)})
        self.probe.saw_business({metric: dict.fromkeys(combinations(metric), 1.0) for metric in BUSINESS})

    @staticmethod
    def _count(member: object) -> None:
        if isinstance(member, Counter):
            member.add()
        elif isinstance(member, Gauge):
            member.set(1.0)
        elif isinstance(member, Histogram):
            member.observe_all(np.array([0.1, 61.0]))

    def close(self) -> None:
        """Serve no more."""
        for server in self.servers.values():
            server.close()


class Asked:
    """A Prometheus that runs."""

    def __init__(self, url: str, served: Served) -> None:
        self.url, self.served = url, served
        self.series: dict[Query, list[dict[str, Any]]] = {}
        """What each query gave while the numbers moved: later, rates are 0, and what divides by them is gone."""

    def data(self, path: str, **parameters: str) -> Any:
        """What its API says; fails where it refuses."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def has_answered(self, query: Query) -> bool:
        """Whether the query gives something, now or before."""
        if not self.series.get(query):
            self.series[query] = self.data("query", query=_expanded(query))["result"]
        return bool(self.series[query])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A Prometheus with the shipped configuration, but for addresses and intervals, that has scraped long enough for all panels."""
    folder, served, port = tmp_path_factory.mktemp("prometheus"), Served(), free_port()
    command = prometheus_command(folder, port, {job: [server.port] for job, server in served.servers.items()})
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as running:
        asked = Asked(f"http://127.0.0.1:{port}", served)
        missing = [query for _, query in QUERIES]

        def answers() -> bool:
            served.move()
            try:
                missing[:] = [query for query in missing if not asked.has_answered(query)]
            except urllib.error.HTTPError as error:
                if error.code != 503:
                    raise AssertionError(error.read().decode()) from error
            except (urllib.error.URLError, OSError):
                return False  # it has not started yet
            return not missing

        try:
            wait_for(answers, 60, lambda: "no series: " + "\n".join(map(_expanded, missing)) + (folder / "log").read_text()[-2000:])
            yield asked
        finally:
            running.terminate()
            served.close()


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_panel_shows_the_series_that_it_names(prometheus: Asked, panel: Panel) -> None:
    named: set[str] = set()
    for query in panel.queries:
        series = prometheus.series[query]
        labels = set(re.findall(r"\{\{(\w+)\}\}", query.legend))
        assert series
        for one in series:
            assert labels <= set(one["metric"])
            named.add(re.sub(r"\{\{(\w+)\}\}", lambda found, one=one: one["metric"][found[1]], query.legend))  # type: ignore[misc]
            if panel.kind is Kind.TABLE:
                named |= {*one["metric"], "Value"}
    declared_places = set(declared.LAG_SECONDS.labels[1].values)
    assert {look.name for look in panel.looks} - (declared_places if "by topic" in panel.title else set()) <= named
    if panel.kind is Kind.STAT:
        (query,) = panel.queries
        assert len(prometheus.series[query]) == 1


def test_every_rule_is_well(prometheus: Asked) -> None:
    rules = [rule for group in prometheus.data("rules")["groups"] for rule in group["rules"]]

    assert {rule["health"] for rule in rules} == {"ok"}


def test_variables_have_the_declared_values(prometheus: Asked) -> None:
    for variable in VARIABLES:
        found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable.query)
        assert found
        values = prometheus.data(f"label/{found[2]}/values", **{"match[]": found[1]})
        (metric,) = [metric for metric in (*WORKER, *PROBE) if metric.exported == found[1]]
        assert sorted(values) == sorted(next(label.values for label in metric.labels if label.name == found[2]))


def test_every_alert_leads_from_a_panel_to_its_page() -> None:
    """The watchdog has the table of all alerts."""
    linked = {name: url for dashboard in DASHBOARDS for panel in dashboard.panels for name, url in panel.runbooks}

    assert set(linked) == {alert.name for alert in ALERTS} - {"CandorWatchdog"}
    assert all(url == f"{RUNBOOKS}/{name}.md" and (ROOT / f"docs/runbooks/{name}.md").is_file() for name, url in linked.items())
    on_call = {name for panel in DASHBOARDS[0].panels for name, _ in panel.runbooks}
    assert on_call == {alert.name for alert in ALERTS if alert.team is Team.PLATFORM} - {"CandorWatchdog"}


def test_every_metric_of_a_worker_and_of_lag_is_on_a_panel() -> None:
    """Build information aside, whatever is exported is worth a look, or need not be exported."""
    text = " ".join(query.text for _, query in QUERIES) + " ".join(RECORDED.values())

    shown = {metric.exported for metric in (*WORKER, *PROBE) if re.search(rf"\b{metric.exported}(_bucket|_count|_sum)?\b", text)}
    offsets = {declared.COMMITTED_OFFSET.exported, declared.END_OFFSET.exported}
    assert {metric.exported for metric in (*WORKER, *PROBE)} - shown == offsets | {metric.exported for metric in BUSINESS}


def test_closed_sets_are_coloured_as_a_whole() -> None:
    looks = {panel.title: [look.name for look in panel.looks] for panel in PANELS}

    assert looks["Dead letters by reason"] == list(RejectReason)
    assert looks["Flush, by step"] == list(FlushStep)
    assert looks["Rows into ClickHouse"] == list(Table)
    assert looks["Failed inserts"] == [*SinkFailure, "retries"]
    assert looks["Newest event, by topic"] == list(Topic)
