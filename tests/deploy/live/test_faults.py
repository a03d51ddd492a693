"""Each fault raises its alert at those who can do something, the runbook's commands end it, and nothing else is told."""

import re
from contextlib import nullcontext
from pathlib import Path

import pytest

from streams.broker import LocalBroker
from streams.metrics.alerts import ALERTS
from tests.conftest import wait_for
from tests.deploy.live.faults import FAULTS, Fault, stack_of, suffer
from tests.deploy.live.stack import Stack, load, running
from tests.deploy.pages import BY_HAND, RUNBOOKS

_EVALUATIONS = 40
"""Of rules at a healthy stack: ten minutes of theirs."""


def _told(stack: Stack) -> set[str]:
    return {one.alert for one in stack.webhook.heard() if one.firing}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "_"))
def test_a_fault_is_told_and_its_runbook_ends_it(fault: Fault, broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> None:
    with running(stack_of(fault, tmp_path, broker.bootstrap_servers, topic_prefix)) as stack, load(stack) if fault.is_loaded else nullcontext():
        course = suffer(stack, fault)

        assert re.search(fault.shown, course.shown), course.shown
        assert _told(stack) <= {"CandorWatchdog", fault.alert, *fault.also}


def test_nobody_is_told_of_a_stack_that_is_well_nor_of_one_worker_that_another_stands_in_for(
    broker: LocalBroker, topic_prefix: str, tmp_path: Path
) -> None:
    evaluated = 'count_over_time(ALERTS{alertname="CandorWatchdog"}[10m])'
    taken = 'rate(candor_accepted_total{stage="accounts"}[5s])'

    def has_gone_on(stack: Stack, evaluations: int) -> bool:
        """So long, and both workers take records at the end of it."""
        took = [value > 0 for _, value in stack.query(taken)]
        return [value > evaluations for _, value in stack.query(evaluated)] == [True] and took == [True, True]

    with running(Stack(tmp_path, broker.bootstrap_servers, topic_prefix)) as stack, load(stack):
        wait_for(lambda: has_gone_on(stack, _EVALUATIONS), 120, stack.explain)
        stack.running(0).kill()
        stack.start_worker(0)
        wait_for(lambda: has_gone_on(stack, 2 * _EVALUATIONS), 120, stack.explain)

        assert _told(stack) == {"CandorWatchdog"}


def test_what_no_fault_executes_says_why() -> None:
    executed = {fault.alert for fault in FAULTS}

    assert executed | {page.stem for page in RUNBOOKS.glob("*.md") if BY_HAND in page.read_text(encoding="utf-8")} == {alert.name for alert in ALERTS}
