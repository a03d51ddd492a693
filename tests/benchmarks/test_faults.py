"""What the page for people on call says of faults is what was measured of those that tests inject, and none was told later than is stated."""

import re

import pytest

from benchmarks import faults
from streams.metrics.alerts import ALERTS
from tests.deploy.live.faults import FAULTS
from tests.deploy.pages import ROOT

PAGE = ROOT / "docs" / "operations.md"


def test_the_page_has_every_fault_with_the_times_that_are_shipped_and_each_was_told_in_time() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("\n## How long faults take")[2].partition("\n## ")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines() if re.search(r"\| \d+ s \|$", line)]

    assert [row[:4] for row in rows] == [(fault.name, fault.alert, f"{fault.hold_minutes}m", f"{fault.stated_minutes}m") for fault in FAULTS]
    for fault, row in zip(FAULTS, rows, strict=True):
        assert int(row[4].removesuffix(" s")) <= fault.told_within_seconds, fault.name


def test_the_time_that_is_stated_bears_what_the_rule_waits_for() -> None:
    holds = {alert.name: alert.hold for alert in reversed(ALERTS)}

    for fault in FAULTS:
        assert holds[fault.alert] in {f"{fault.hold_minutes}m" if fault.hold_minutes else "", f"{fault.hold_minutes / 60:g}h"}
        assert fault.stated_minutes > fault.hold_minutes + 1


def test_names_of_faults_that_there_are_not_are_refused() -> None:
    with pytest.raises(SystemExit, match=r"^no such fault: rain; there are .*Kafka hangs"):
        faults.main("Kafka hangs", "rain")
