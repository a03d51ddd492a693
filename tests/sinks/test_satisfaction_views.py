"""CSAT and CES in the views of loyalty: scores, intervals and bounds, against scipy and against answers one by one."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import mean, stdev
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, t

from schemas.rows import Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import MONDAY, cells, one, response, sign, suspect
from tests.sinks.rows import rows

VIEWS = ("loyalty_daily", "loyalty_by_unit", "loyalty_by_channel", "loyalty_total", "loyalty_last_days(days = 1, as_of = '2025-12-22')")
CSAT = ("csat", "csat_low", "csat_high", "csat_excluded", "csat_excluded_low", "csat_excluded_high", "csat_bound_low")
CES = ("ces", "ces_low", "ces_high", "ces_excluded", "ces_excluded_low", "ces_excluded_high", "ces_bound_low")
SATISFIED = {"csat": 4, "ces": 6, "nps": 9, "rating": 4}


class Answer(NamedTuple):
    """A counted response, on its default scale."""

    score: float
    flagged: bool = False


def given_to(clickhouse: ClickHouse, metric: str, answers: Sequence[Answer]) -> None:
    """Insert the cell of these answers, and those of them that are flagged."""
    exact = [Decimal(str(answer.score)) for answer in answers]
    sums = {"score_sum": sum(exact, Decimal(0)), "score_sum_squares": sum((score**2 for score in exact), Decimal(0))}
    cells(clickhouse, {"metric": metric, "n": len(answers), "top_two_box": sum(a.score >= SATISFIED[metric] for a in answers), **sums})
    flagged = {f"{metric}-{number}": answer.score for number, answer in enumerate(answers) if answer.flagged}
    for_all = {"class": None, "unit_id": "u", "day": MONDAY, "channel": "web", "metric": metric}
    facts = [response(response_id=name, score_mapped=score, top_two_box=score >= SATISFIED[metric], **for_all) for name, score in flagged.items()]
    if facts:
        clickhouse.insert(Table.RESPONSES, rows(Table.RESPONSES, *facts))
        clickhouse.insert(Table.SIGNS, rows(Table.SIGNS, *(sign(response_id=name) for name in flagged)))
        suspect(clickhouse)


def shown(clickhouse: ClickHouse, names: Sequence[str]) -> list[object]:
    return list(one(clickhouse, f"SELECT {', '.join(names)} FROM loyalty_daily").values())


SUMS = ("n", "score_sum", "score_sum_squares")


def by_unit(clickhouse: ClickHouse, names: Sequence[str]) -> dict[str, list[object]]:
    found = clickhouse.query(f"SELECT unit_id, {', '.join(names)} FROM loyalty_daily").to_pylist()
    return {row["unit_id"]: [row[name] for name in names] for row in found}


def wilson(good: int, n: int) -> list[float]:
    found = binomtest(good, n).proportion_ci(0.95, method="wilson")
    return [100 * good / n, 100 * found.low, 100 * found.high]


def of_mean(scores: Sequence[float]) -> list[float | None]:
    if len(set(scores)) < 2:
        return [scores[0], None, None]
    low, high = t.interval(0.95, len(scores) - 1, loc=mean(scores), scale=stdev(scores) / len(scores) ** 0.5)
    return [mean(scores), max(1.0, low), min(7.0, high)]


def near(values: Sequence[float | None]) -> list[object]:
    return [value if value is None else pytest.approx(value, abs=2e-5) for value in values]


@pytest.mark.parametrize("view", VIEWS)
def test_csat_is_a_share_with_wilsons_interval_and_ces_a_mean_with_students(clickhouse: ClickHouse, view: str) -> None:
    """70 of 100 csat are satisfied; 20 of the flagged are, 5 are not, so 50 of 75 are left, and 50 of 100 at worst. A flagged ces is 1 at worst."""
    kept, flagged = [7.0, 6, 6, 5, 2, 1, 4, 7, 6, 3, 5.5, 6, 7], [7.0, 7, 6]
    given_to(clickhouse, "csat", [Answer(5)] * 50 + [Answer(4, True)] * 20 + [Answer(3)] * 25 + [Answer(2, True)] * 5)
    given_to(clickhouse, "ces", [Answer(score) for score in kept] + [Answer(score, True) for score in flagged])
    for metric in ("nps", "rating"):
        given_to(clickhouse, metric, [Answer(4), Answer(5, True)])

    found = {
        row.pop("metric"): list(row.values())
        for row in clickhouse.query(f"SELECT DISTINCT metric, {', '.join((*CSAT, *CES))} FROM {view}").to_pylist()
    }

    assert found == {
        "csat": [*near([*wilson(70, 100), *wilson(50, 75), 50]), *[None] * 7],
        "ces": [*[None] * 7, *near([*of_mean([*kept, *flagged]), *of_mean(kept), (sum(kept) + 3) / 16])],
        "nps": [None] * 14,
        "rating": [None] * 14,
    }


def test_the_interval_of_a_mean_is_right_for_few_and_for_many(clickhouse: ClickHouse) -> None:
    """Half of them 3 and the others 5, or one more: their sums are those of so many answers, which need not be inserted."""
    sizes = {f"{n:05}": (n // 2, n - n // 2) for n in (*range(2, 13), 30, 300, 30_000)}
    sums = {unit: (low + high, Decimal(3 * low + 5 * high), Decimal(9 * low + 25 * high)) for unit, (low, high) in sizes.items()}
    cells(clickhouse, *({"metric": "ces", "unit_id": unit, **dict(zip(SUMS, told, strict=True))} for unit, told in sums.items()))

    assert by_unit(clickhouse, CES[:3]) == {unit: near(of_mean([3.0] * low + [5.0] * high)) for unit, (low, high) in sizes.items()}


def test_equal_scores_tell_no_interval(clickhouse: ClickHouse) -> None:
    """Squares of thirds are rounded in the ninth decimal, which is no spread."""
    all_equal = {"alone": ("4", 1), "thirds": ("6.333333333", 3), "worst": ("1", 50), "best": ("7", 1000)}
    sums = {unit: (n, n * Decimal(score), n * round(Decimal(score) ** 2, 9)) for unit, (score, n) in all_equal.items()}
    cells(clickhouse, *({"metric": "ces", "unit_id": unit, **dict(zip(SUMS, told, strict=True))} for unit, told in sums.items()))

    wanted = {unit: near([float(score), None, None, float(score), None, None, float(score)]) for unit, (score, _) in all_equal.items()}
    assert by_unit(clickhouse, CES) == wanted


def test_where_everything_is_flagged_nothing_is_left(clickhouse: ClickHouse) -> None:
    given_to(clickhouse, "csat", [Answer(5, True)] * 2)

    assert shown(clickhouse, CSAT) == near([*wilson(2, 2), None, None, None, 0])


def test_intervals_of_shares_stay_on_the_scale(clickhouse: ClickHouse) -> None:
    counts = {f"{good} of {n}": (good, n) for good, n in ((0, 1), (1, 1), (0, 40), (40, 40), (1, 400), (200_000, 300_000))}
    cells(clickhouse, *({"metric": "csat", "unit_id": unit, "n": n, "top_two_box": good} for unit, (good, n) in counts.items()))

    assert by_unit(clickhouse, CSAT[:3]) == {unit: near(wilson(good, n)) for unit, (good, n) in counts.items()}
    assert one(clickhouse, "SELECT countIf(csat_low < 0 OR csat_low > csat_high OR csat_high > 100) AS outside FROM loyalty_daily") == {"outside": 0}


ANSWERS = st.lists(st.builds(Answer, st.sampled_from([1.0, 2, 3.4, 4, 4.6, 5]), st.booleans()), min_size=1, max_size=30)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=ANSWERS, metric=st.sampled_from(["csat", "ces"]))
def test_scores_are_those_of_the_answers_one_by_one(clickhouse: ClickHouse, answers: list[Answer], metric: str) -> None:
    for table in (Table.LOYALTY, Table.RESPONSES, Table.SIGNS, Table.FINDINGS):
        clickhouse.command(f"TRUNCATE TABLE {table}")
    given_to(clickhouse, metric, answers)

    wanted = expected(answers, metric)

    assert shown(clickhouse, [*wanted]) == near([*wanted.values()])


def expected(answers: Sequence[Answer], metric: str) -> Mapping[str, float | None]:
    """Every column of the metric, from single answers."""
    left = [answer.score for answer in answers if not answer.flagged]
    if metric == "csat":
        good = [score >= 4 for score in left]
        kept = wilson(sum(good), len(good)) if good else [None] * 3
        return dict(zip(CSAT, [*wilson(sum(a.score >= 4 for a in answers), len(answers)), *kept, 100 * sum(good) / len(answers)], strict=True))
    kept_mean = of_mean(left) if left else [None] * 3
    at_worst = mean(1.0 if answer.flagged else answer.score for answer in answers)
    return dict(zip(CES, [*of_mean([answer.score for answer in answers]), *kept_mean, at_worst], strict=True))
