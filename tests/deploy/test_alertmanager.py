"""Who hears of an alert, and who is spared: asked of amtool, and of an Alertmanager that runs."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.broker.ready import free_port
from streams.metrics.alerts import ALERTS
from tests.conftest import wait_for
from tests.deploy.prometheus import FOLDER
from tests.deploy.test_prometheus import run
from tests.web import text_of

CONFIGURATION = str(FOLDER / "alertmanager.yml")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({"alertname": "CandorWatchdog", "severity": "none", "team": "platform"}, "dead-man"),
        ({"alertname": "CandorWorkerDown", "severity": "critical", "team": "platform"}, "platform-page"),
        ({"alertname": "CandorSinkFailing", "severity": "warning", "team": "platform"}, "platform"),
        ({"alertname": "CandorGamingSuspected", "severity": "warning", "team": "cx"}, "cx"),
        ({"alertname": "CandorScoreDown", "severity": "critical", "team": "cx"}, "cx"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["alertname"],
)
def test_an_alert_goes_to_those_who_can_do_something(labels: dict[str, str], receiver: str) -> None:
    given = [f"{name}={value}" for name, value in labels.items()]

    assert run("amtool", "config", "routes", "test", f"--config.file={CONFIGURATION}", *given).strip() == receiver


def test_the_configuration_is_valid_and_no_receiver_is_without_alerts() -> None:
    assert "Found" in run("amtool", "check-config", CONFIGURATION)
    used = {
        run(
            "amtool",
            "config",
            "routes",
            "test",
            f"--config.file={CONFIGURATION}",
            f"alertname={alert.name}",
            f"severity={alert.severity}",
            f"team={alert.team}",
        ).strip()
        for alert in ALERTS
    }
    assert used == {"dead-man", "platform-page", "platform", "cx"}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """The URL of an Alertmanager with the shipped configuration that knows of no alert."""
    folder = tmp_path
    url = f"http://127.0.0.1:{free_port()}"
    arguments = [f"--config.file={CONFIGURATION}", f"--storage.path={folder}", f"--web.listen-address={url[7:]}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log, subprocess.Popen(["prometheus-alertmanager", *arguments], stdout=log, stderr=log) as server:
        try:
            wait_for(lambda: text_of(f"{url}/-/ready") is not None, 30, (folder / "log").read_text)
            yield url
        finally:
            server.terminate()


def _fire(url: str, *alerts: dict[str, str]) -> None:
    now = datetime.now(UTC).isoformat()
    body = json.dumps([{"labels": labels, "startsAt": now} for labels in alerts]).encode()
    request = urllib.request.Request(f"{url}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


def _states(url: str) -> dict[str, str]:
    """Whether each alert is told or spared, by name and severity; those that are not decided yet are left out."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts", timeout=10) as answer:
        found = json.load(answer)
    states = {"active": "told", "suppressed": "spared"}
    return {
        f"{one['labels']['alertname']} {one['labels']['severity']}": states[one["status"]["state"]]
        for one in found
        if one["status"]["state"] in states
    }


@pytest.mark.parametrize(
    ("alerts", "spared"),
    [
        ({"CandorWorkerDown critical", "CandorConsumerStopped critical", "CandorProbeFailing warning"}, {"CandorConsumerStopped critical"}),
        ({"CandorSinkAway critical", "CandorSinkFailing warning", "CandorConsumerRewound critical"}, {"CandorSinkFailing warning"}),
        ({"CandorDeliveryBudgetBurn critical", "CandorDeliveryBudgetBurn warning"}, {"CandorDeliveryBudgetBurn warning"}),
        ({"CandorSinkFailing warning", "CandorConsumerLagging warning"}, set()),
        ({"CandorSinkAway critical", "CandorHeartbeatStale critical"}, {"CandorHeartbeatStale critical"}),
        ({"CandorConsumerStalled critical", "CandorHeartbeatStale critical"}, {"CandorHeartbeatStale critical"}),
        ({"CandorProbeFailing warning", "CandorHeartbeatStale critical"}, set()),
    ],
)
def test_what_follows_from_something_else_is_not_told(alertmanager: str, alerts: set[str], spared: set[str]) -> None:
    _fire(alertmanager, *({"alertname": one.split()[0], "severity": one.split()[1], "stage": "accounts"} for one in alerts))

    def told(state: str) -> set[str]:
        return {one for one, its in _states(alertmanager).items() if its == state}

    # It hears of an alert and of what that one spares one after the other.
    wait_for(lambda: told("told") | told("spared") == alerts and told("spared") >= spared, 60, lambda: str(_states(alertmanager)))
    assert told("spared") == spared
