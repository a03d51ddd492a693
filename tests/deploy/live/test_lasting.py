"""The same of a fault that lasts; and of a stack that is well, of which nobody is told."""

import re
from pathlib import Path

import pytest

from streams.broker import LocalBroker
from tests.conftest import wait_for
from tests.deploy.live.course import suffer_all
from tests.deploy.live.faults import GAMED
from tests.deploy.live.stack import Stack, load, running

_EVALUATIONS = 40
"""Of rules at a healthy stack: ten minutes of theirs."""


@pytest.mark.timeout(2_400)
def test_a_gamed_unit_is_told_and_its_runbook_ends_it(broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> None:
    for fault, course in suffer_all(GAMED, tmp_path, broker, topic_prefix):
        assert re.search(fault.shown, course.shown), (fault.name, course.shown)


def test_nobody_is_told_of_a_stack_that_is_well_nor_of_one_worker_that_another_stands_in_for(
    broker: LocalBroker, topic_prefix: str, tmp_path: Path
) -> None:
    evaluated = 'count_over_time(ALERTS{alertname="CandorWatchdog"}[10m])'
    taken = 'rate(candor_accepted_total{stage="accounts"}[5s])'

    def has_gone_on(stack: Stack, evaluations: int) -> bool:
        """So long, and both workers take records at the end of it."""
        took = [value > 0 for _, value in stack.query(taken)]
        return [value > evaluations for _, value in stack.query(evaluated)] == [True] and took == [True, True]

    with running(Stack(tmp_path, broker, topic_prefix)) as stack, load(stack):
        wait_for(lambda: has_gone_on(stack, _EVALUATIONS), 120, stack.explain)
        stack.running(0).kill()
        stack.start_worker(0)
        wait_for(lambda: has_gone_on(stack, 2 * _EVALUATIONS), 120, stack.explain)

        assert {one.alert for one in stack.webhook.heard() if one.firing} == {"CandorWatchdog"}
