"""More blows by which the same faults are noticed. Not of the gate, which they would make too long: ``make chaos`` runs them."""

from pathlib import Path

import pytest

from tests.chaos.bites import FURTHER, TRIAL_SECONDS, TRIES, all_are_noticed


@pytest.mark.timeout(TRIES * len(FURTHER) * TRIAL_SECONDS)
def test_each_fault_is_noticed_by_other_blows_too(tmp_path: Path) -> None:
    all_are_noticed(FURTHER, tmp_path)
