"""Each fault raises its alert at those who can do something, the runbook's commands end it, and nothing else is told."""

import re
from pathlib import Path

import pytest

from streams.broker import LocalBroker
from streams.metrics.alerts import ALERTS
from tests.deploy.live.course import suffer_all
from tests.deploy.live.faults import FAULTS, FROZEN, KILLED, REFUSED, Turn
from tests.deploy.pages import BY_HAND, RUNBOOKS


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("turn", [KILLED, FROZEN, REFUSED], ids=lambda turn: turn.name.replace(" ", "_"))
def test_a_fault_is_told_and_its_runbook_ends_it(turn: Turn, broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> None:
    for fault, course in suffer_all(turn, tmp_path, broker, topic_prefix):
        assert re.search(fault.shown, course.shown), (fault.name, course.shown)


def test_what_no_fault_executes_says_why() -> None:
    executed = {fault.alert for fault in FAULTS}
    by_hand = {page.stem for page in RUNBOOKS.glob("*.md") if BY_HAND in page.read_text(encoding="utf-8")}

    assert executed | by_hand == {alert.name for alert in ALERTS}
    assert not executed & by_hand


def test_each_fault_has_a_name_and_an_alert_of_its_own() -> None:
    assert len(FAULTS) == len({fault.name for fault in FAULTS}) == len({fault.alert for fault in FAULTS})
