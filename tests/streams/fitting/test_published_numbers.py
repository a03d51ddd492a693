"""Published data sets as events: what the views show after ``candor fit`` is what their authors published."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.commands import cli
from streams.core.batch import Floats
from tests.oracle.make import Writer
from tests.streams.fitting.test_importance import SWISS_JOHNSON, SWISS_LMG
from tests.streams.fitting.test_spend import FIRST_TEN
from tests.whole_path import put_in, shown

END = datetime(1997, 9, 30, 12, tzinfo=UTC)
"""The last day that the models may see."""
DRIVERS = ("Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality")


def purchases(writer: Writer, account: str, repeats: int, recency: int, age: int, worth: str) -> None:
    """A first purchase so many days before the end, and as many more, the last of them ``recency`` days after it."""
    days = [0, *range(1, repeats), recency] if repeats else [0]
    for number, day in enumerate(days):
        at = (END - timedelta(age - day)).isoformat()
        writer.add("transactions", account_id=account, transaction_id=str(number), occurred_at=at, amount=worth if number else "1")


def test_published_data_give_published_numbers(
    cdnow: Floats, swiss: Floats, migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CDNOW (Fader, Hardie and Lee 2005; note 025 for what purchases are worth) and R's swiss (relaimpo)."""
    writer = Writer()
    for number, (repeats, recency, age, worth) in enumerate(cdnow.tolist()):
        purchases(writer, f"{number:04}", round(repeats), round(recency * 7), round(age * 7), f"{worth:.2f}")
    for number, (*answers, fertility) in enumerate(swiss.tolist()):
        said = dict(zip(DRIVERS, answers, strict=True))
        scale = {"metric": "rating", "score": fertility, "scale_min": 0, "scale_max": 100, "survey_id": "swiss", "answers": said}
        writer.add("feedback", account_id=f"s{number}", occurred_at=END.isoformat(), **scale)
    clickhouse = put_in(migrated_url, writer, tmp_path)
    monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", migrated_url)
    result = CliRunner().invoke(cli, ["fit", "--as-of", str(END.date())])
    assert result.exit_code == 0, result.stderr

    models = dict(shown(clickhouse, "SELECT toString(model), parameters FROM model_runs WHERE last AND state = 'fitted'"))
    bought, spent = dict(models["purchases"]), dict(models["spend"])
    assert [bought[name] for name in ("r", "alpha", "a", "b")] == pytest.approx([0.24259291, 4.41353181, 0.79288616, 2.42575372], rel=1e-4)
    # The published ages are rounded to hundredths of a week; days are whole.
    assert bought["log_likelihood"] == pytest.approx(-9582.42556056736, abs=0.01)
    assert [spent[name] for name in ("p", "q", "gamma")] == pytest.approx([6.25, 3.74, 15.44], abs=0.02)
    new = {weeks: told for weeks, *told in shown(clickhouse, "SELECT weeks, expected_purchases, probability_of_return FROM newcomers")}
    assert sorted(new) == list(range(1, 105))
    # Published of this data: E[X(t)], and P(X(39) = 0) from the rounded parameters.
    assert [new[weeks][0] for weeks in (1, 3, 32, 78)] == pytest.approx([0.0532, 0.1506, 1.0437, 1.8576], abs=1e-3)
    assert 1 - new[39][1] == pytest.approx(0.5737864, abs=1e-3)
    first = shown(clickhouse, "SELECT frequency, probability_alive, expected_value FROM account_predictions ORDER BY account_id LIMIT 10")
    assert [expected for _, _, expected in first] == pytest.approx(FIRST_TEN, abs=0.1)
    assert first[0][:2] == (2, pytest.approx(0.726578570080673, abs=1e-4))
    ((run,),) = shown(clickhouse, "SELECT DISTINCT run_id FROM model_runs WHERE last")
    for view in ("accounts", "account_profiles", "account_segments"):
        found = shown(clickhouse, f"SELECT probability_alive, run_id FROM {view} WHERE account_id IN ('0000', 's0') ORDER BY account_id")
        assert found == [(first[0][1], run), (None, None)], view

    drivers = {
        name: values for name, *values in shown(clickhouse, "SELECT driver, lmg, johnson, r_squared, n FROM drivers WHERE survey_id = 'swiss'")
    }
    assert [drivers[name][0] for name in DRIVERS] == pytest.approx(SWISS_LMG, abs=1e-7)
    assert [drivers[name][1] for name in DRIVERS] == pytest.approx(SWISS_JOHNSON, abs=1e-7)
    assert [drivers[name][2:] for name in DRIVERS] == [[pytest.approx(0.7067350015927254, abs=1e-8), 47]] * 5
