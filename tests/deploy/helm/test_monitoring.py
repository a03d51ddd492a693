"""What the Prometheus Operator gets: the generated rules, and the jobs that they ask for; and heartbeats, which one of them is about."""

from pathlib import Path

import pytest
import yaml

from streams.commands.contracts import RULES
from streams.metrics.alerts import PROBE_JOB, WORKER_JOB, rules_file
from streams.metrics.declared import PROBE, WORKER
from streams.metrics.rule import RUNBOOKS
from tests.deploy.helm.chart import CHART, ROOT, of_kind, one, pods, pods_of, rendered, selects
from tests.deploy.test_prometheus import run

RUNBOOKS_GIVEN = "https://wiki.example.com/candor"
PUT_BY_PROMETHEUS = {"job", "instance", "namespace", "pod", "service", "endpoint", "container"}


def test_the_rules_are_the_generated_ones_but_for_where_the_runbooks_are(tmp_path: Path) -> None:
    (rule,) = of_kind("everything", "PrometheusRule")

    assert rule["apiVersion"] == "monitoring.coreos.com/v1"
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load(rules_file().replace(RUNBOOKS, RUNBOOKS_GIVEN))
    assert RUNBOOKS not in str(rule)
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(rule["spec"]))
    run("promtool", "check", "rules", "--lint-fatal", str(tmp_path / "rules.yml"))


def test_the_copy_in_the_chart_is_written_with_the_other() -> None:
    assert CHART / "files" / "candor.rules.yml" in {ROOT / path for path in RULES}
    assert len({(ROOT / path).read_text() for path in RULES}) == 1


def test_monitors_find_their_service_and_give_the_jobs_their_names() -> None:
    monitors = {manifest["metadata"]["name"].rsplit("-", 1)[1]: manifest for manifest in of_kind("everything", "ServiceMonitor")}

    assert monitors.keys() == {"worker", "lag"}
    for component, job in (("worker", WORKER_JOB), ("lag", PROBE_JOB)):
        monitor = monitors[component]
        (endpoint,) = monitor["spec"]["endpoints"]
        (service,) = [
            manifest for manifest in of_kind("everything", "Service") if selects(monitor["spec"]["selector"], manifest["metadata"]["labels"])
        ]
        assert service == one("everything", "Service", f"-{component}")
        assert endpoint == {
            "port": service["spec"]["ports"][0]["name"],
            "path": "/metrics",
            "interval": "30s",
            "scrapeTimeout": "20s",
            "relabelings": [{"targetLabel": "job", "replacement": job}],
        }
        assert monitor["spec"].keys() == {"selector", "endpoints"}
        assert monitor["metadata"]["labels"]["release"] == "prometheus"
        assert any(pod.component == component for pod in pods("everything"))


def test_no_metric_has_a_label_that_prometheus_puts_itself() -> None:
    assert not {label.name for metric in (*WORKER, *PROBE) for label in metric.labels} & PUT_BY_PROMETHEUS


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), ["--clickhouse", "--heartbeat", "60"]),
        (("--set", "lag.heartbeatSeconds=900"), ["--clickhouse", "--heartbeat", "900"]),
        (("--set", "lag.heartbeatSeconds=0"), ["--clickhouse"]),
        (("--set", "lag.clickhouse=false"), ["--no-clickhouse"]),
    ],
    ids=lambda value: "_".join(value) or "as_shipped",
)
def test_the_probe_sends_heartbeats_where_it_can_look_for_them(arguments: tuple[str, ...], wanted: list[str]) -> None:
    (lag,) = [pod for pod in pods_of(rendered("minimal", *arguments)) if pod.component == "lag"]

    assert lag.container["args"] == ["lag", "--serve", *wanted]
