"""The e-CUSUM that the e-SR is held against: a known path, and what both must keep."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.integrity import engine, pages
from benchmarks.integrity.engine import advance_cusum
from benchmarks.integrity.pages import Measured
from streams.core.integrity.e_detector import advance, log_mixture


def test_a_known_path_of_hits_and_misses() -> None:
    """Half expected, three quarters looked for: a hit weighs 1.5, a miss 0.5."""
    evidence, path = np.array([-np.inf]), []
    for hit in (1, 1, 0, 1, 1, 1):
        evidence = advance_cusum(evidence, np.log([1.5 if hit else 0.5]))
        path.append(float(np.exp(log_mixture(evidence))))
    assert path == pytest.approx([1.5, 2.25, 1.125, 1.6875, 2.53125, 3.796875])


def test_both_run_as_long_as_is_promised_and_the_e_sr_sees_a_rise_sooner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CLEAN_DAYS", 400)
    monkeypatch.setattr(engine, "BEFORE", 40)
    promised = 50.0
    (run,) = engine.clean_runs(advance, (promised,), 100, 0.1, seed=1)
    runs = engine.clean_runs(advance_cusum, (promised, promised / 4), 100, 0.1, seed=1)
    assert promised <= run < runs[0]
    assert runs[1] < runs[0]
    waited = {step: engine.delays(step, promised, 100, 0.1, seed=2) for step in (advance, advance_cusum)}
    assert all(waited[advance][rate] < waited[advance_cusum][rate] for rate in engine.RAISED)

    compared = [engine.Compared("e-SR", 0.1, promised, run, waited[advance])]
    pages.write_engine(tmp_path, compared, Measured("the command", "", 1.0))
    head, _, line = (tmp_path / "engine.md").read_text(encoding="utf-8").splitlines()[-3:]
    assert head.count("|") == line.count("|")
    assert line.startswith(f"| e-SR | 0.1 | 50 | {run / 1000:.2f} |")


def test_the_documentation_says_what_was_measured() -> None:
    docs = Path(__file__).parents[3] / "docs"
    rows = [
        line.strip("| ").split(" | ")
        for line in (docs / "integrity" / "engine.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| e-")
    ]
    days = {row[0]: row[4 + engine.RAISED.index(0.7)] for row in rows if row[1] == "0.0"}
    said = (docs / "integrity.md").read_text(encoding="utf-8")
    assert f"from 45 % to 70 % after {days['e-SR']} days instead of {days['e-CUSUM']}; an e-CUSUM tuned by simulation" in said
    assert f"after {days['e-CUSUM, tuned by simulation']}." in said
