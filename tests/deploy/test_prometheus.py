"""Alert rules fire when they should and are silent when they should, by Prometheus's own tools; these must be installed, or the tests fail."""

import re
import subprocess
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from schemas.enums import RejectReason, Stage
from streams.lag.heartbeat import Heartbeats, Passed
from streams.lag.probe import Probe
from streams.lag.reading import Place
from streams.lag.rules import Look
from streams.metrics.alerts import ALERTS, PROBE_JOB, WORKER_JOB, rules_file
from streams.metrics.collectors import combinations
from streams.metrics.declared import BUSINESS, LATENCY, REFUSED
from streams.metrics.rule import RUNBOOKS, Alert, Pace, of
from streams.metrics.worker import WorkerMetrics
from tests.deploy.pages import ROOT
from tests.deploy.prometheus import FOLDER, RULES
from tests.deploy.scenarios import SCENARIOS, Scenario

BY_NAME = {alert.name: alert for alert in ALERTS}


def run(*arguments: str, given: str = "") -> str:
    """What a tool prints of what it is given; fails where it is missing or says no."""
    done = subprocess.run(arguments, input=given, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def _rules_of(alert: str) -> str:
    """The shipped rules of one alert and what they need to be recorded: days of all of them take four times as long."""
    groups = yaml.load(RULES.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["groups"]
    kept = [rule for group in groups for rule in group["rules"] if rule.get("alert") == alert]
    recorded = [rule for group in groups for rule in group["rules"] if "record" in rule]
    while more := [rule for rule in recorded if rule not in kept and any(rule["record"] in one["expr"] for one in kept)]:
        kept += more
    for group in groups:
        group["rules"] = [rule for rule in group["rules"] if rule in kept]
    return yaml.safe_dump({"groups": [group for group in groups if group["rules"]]}, sort_keys=False)


def _test_file(scenario: Scenario, rules: Path) -> str:
    team = BY_NAME[scenario.alert].team.value
    expected = [
        {
            "exp_labels": {"severity": firing.severity, "team": team, **firing.labels},
            "exp_annotations": {"summary": firing.summary, "runbook_url": f"{RUNBOOKS}/{scenario.alert}.md"},
        }
        for firing in scenario.firing
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in scenario.series.items()],
        "alert_rule_test": [{"eval_time": f"{scenario.at}m", "alertname": scenario.alert, "exp_alerts": expected}],
    }
    return yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": [test]}, sort_keys=False)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: f"{scenario.alert}-{scenario.name}".replace(" ", "_"))
def test_scenario(scenario: Scenario) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, rules = Path(folder) / "test.yml", Path(folder) / "rules.yml"
        rules.write_text(_rules_of(scenario.alert), encoding="utf-8")
        file.write_text(_test_file(scenario, rules), encoding="utf-8")
        run("promtool", "test", "rules", str(file))


def test_every_alert_is_seen_to_fire_and_to_be_silent() -> None:
    firing = Counter(scenario.alert for scenario in SCENARIOS if scenario.firing)
    silent = Counter(scenario.alert for scenario in SCENARIOS if not scenario.firing)

    assert set(firing) == set(BY_NAME)
    assert set(silent) == set(BY_NAME) - {"CandorWatchdog"}


def test_every_window_of_a_budget_is_seen_to_fire() -> None:
    """They share a name, so that one would be enough for the test above."""
    seen = {(one.alert, firing.labels["long"]) for one in SCENARIOS for firing in one.firing if "long" in firing.labels}

    assert {(alert.name, alert.labels["long"]) for alert in ALERTS if alert.name == "CandorDeliveryBudgetBurn"} <= seen


def test_the_shipped_files_are_valid_and_generated_ones_are_up_to_date() -> None:
    run("promtool", "check", "rules", "--lint-fatal", str(RULES))
    run("promtool", "check", "config", "--lint-fatal", str(FOLDER / "prometheus.yml"))
    assert RULES.read_text(encoding="utf-8") == rules_file()


def test_time_can_run_faster_for_all_rules_and_faster_still_for_one() -> None:
    def durations(**own: Pace) -> dict[str, list[str]]:
        rules = [rule for group in yaml.safe_load(rules_file(Pace(15), own))["groups"] for rule in group["rules"] if "alert" in rule]
        return {rule["alert"]: [rule.get("for", ""), rule.get("keep_firing_for", ""), *re.findall(r"\d+ms", rule["expr"])] for rule in rules}

    faster = durations(CandorUnknownFields=Pace(120))
    assert faster["CandorUnknownFields"] == ["5000ms", "30000ms", "30000ms", "720000ms", "30000ms"]
    assert faster | durations() == durations()
    assert durations()["CandorUnknownFields"] == ["40000ms", "240000ms", "240000ms", "5760000ms", "240000ms"]


def test_prometheus_can_read_what_is_exported_and_finds_no_fault() -> None:
    """It also looks at names, units and help."""
    probe = Probe(60.0)
    probe.saw_lag({Place(Stage.ACCOUNTS, "feedback", 0): Look(1_000.0, 10, 30, 940.0, is_owned=True)})
    probe.saw_business({metric: dict.fromkeys(combinations(metric), 1.0) for metric in BUSINESS})
    beating = Heartbeats(60.0, 1_000.0)
    beating.saw(Passed(1_060.0, 0.5))
    of_probe = CollectorRegistry()
    of_probe.register(probe)
    of_probe.register(beating)

    for registry in (WorkerMetrics().registry, of_probe):
        run("promtool", "check", "metrics", given=generate_latest(registry).decode())


def test_the_jobs_that_are_scraped_are_those_that_rules_ask_for() -> None:
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]

    assert {job["job_name"] for job in scraped} == {WORKER_JOB, PROBE_JOB}
    assert set(re.findall(r'job="([^"]+)"', rules_file())) <= {WORKER_JOB, PROBE_JOB}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_says_where_and_leads_to_its_page(alert: Alert) -> None:
    page = ROOT / "docs" / "runbooks" / f"{alert.name}.md"

    assert alert.summary.endswith(".")
    assert alert.runbook == f"{RUNBOOKS}/{alert.name}.md"
    assert page.is_file()
    assert page.read_text().startswith(f"# {alert.name}\n")


def test_rules_cannot_ask_for_what_nobody_exports() -> None:
    assert of(REFUSED, reason="malformed") == 'candor_dead_letters_total{reason="malformed"}'
    assert of(REFUSED, reason=f"~{RejectReason.MALFORMED}|{RejectReason.OVERSIZE}") == 'candor_dead_letters_total{reason=~"malformed|oversize"}'
    for wrong in ({"reason": "too_bad"}, {"unit_id": "u"}, {"le": "60.0"}):
        with pytest.raises(ValueError, match="dead_letters_total has no"):
            of(REFUSED, **wrong)
    with pytest.raises(ValueError, match="has no limit 61"):
        of(LATENCY, "_bucket", le="61")
