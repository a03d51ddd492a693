"""The same of a broker and workers that do not hold, of records that are not read or not written, and of a company that customers turn from.

Not of the gate, which these stacks would make longer than anybody waits: ``make faults`` runs them; it belongs to changes of alerts and pages.
"""

import re
from pathlib import Path

import pytest

from streams.broker import LocalBroker
from tests.deploy.live.course import suffer_all
from tests.deploy.live.faults import COMPANY, UNREAD, UNSTEADY, Turn


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("turn", [UNSTEADY, UNREAD, COMPANY], ids=lambda turn: turn.name.replace(" ", "_"))
def test_a_fault_is_told_and_its_runbook_ends_it(turn: Turn, broker: LocalBroker, topic_prefix: str, tmp_path: Path) -> None:
    for fault, course in suffer_all(turn, tmp_path, broker, topic_prefix):
        assert re.search(fault.shown, course.shown), (fault.name, course.shown)
