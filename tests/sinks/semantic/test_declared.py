"""Scores of any group are those of its answers, however these were cut into cells; and nothing that is a score is added up."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sinks.clickhouse import ClickHouse
from sinks.dictionary import read_relations
from sinks.semantic.declared import CUBES, LOYALTY, Cube
from sinks.semantic.grains import GRAINS, SEVERAL_ROWS
from sinks.semantic.package import model_sql


class Answer(NamedTuple):
    """One response: its cell, the group that somebody asks for, and what it says."""

    cell: int
    group: int
    metric: str
    score: int
    flagged: bool


ANSWERS = st.builds(Answer, st.integers(0, 4), st.integers(0, 2), st.sampled_from(("nps", "csat")), st.integers(1, 5), st.booleans())


def _class(answer: Answer) -> str:
    if answer.metric != "nps":
        return ""
    return "promoter" if answer.score == 5 else "passive" if answer.score == 4 else "detractor"


def _cells(answers: Sequence[Answer]) -> str:
    """Rows as loyalty_daily has them, a row per cell, group and metric."""
    cells: dict[tuple[int, int, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        cells[answer.cell, answer.group, answer.metric].append(answer)
    return " UNION ALL ".join(_row(key, of_cell) for key, of_cell in cells.items())


def _row(key: tuple[int, int, str], answers: list[Answer]) -> str:
    cell, group, metric = key
    classes, of_flagged = Counter(map(_class, answers)), Counter(_class(answer) for answer in answers if answer.flagged)
    numbers = {
        "n": len(answers), "flagged": sum(of_flagged.values()),
        "top_two_box": sum(answer.score >= 4 for answer in answers), "score_sum": sum(answer.score for answer in answers),
        **{f"{name}s": classes[name] for name in ("promoter", "passive", "detractor")},
        **{f"flagged_{name}s": of_flagged[name] for name in ("promoter", "passive", "detractor")},
        "flagged_top_two_box": sum(answer.score >= 4 for answer in answers if answer.flagged),
        "flagged_score_sum": sum(answer.score for answer in answers if answer.flagged),
    }  # fmt: skip
    columns = ", ".join(f"toInt64({number}) AS {name}" for name, number in numbers.items())
    return f"SELECT toDate32('2026-01-01') + {cell} AS day, '{group}' AS unit_id, 'web' AS channel, '{metric}' AS metric, {columns}"


def _asked(cube: Cube, source: str, by: str) -> str:
    rows = re.sub(r"\{\{.*\}\}", lambda _: f"({source})", model_sql(cube))
    scores = ", ".join(f"sum_{score.over} / nullIf(sum_{score.under}, 0) AS {score.name}" for score in cube.scores)
    sums = ", ".join(f"sum({one.name}) AS sum_{one.name}" for one in cube.sums)
    return f"SELECT {by} AS asked, {scores} FROM (SELECT {by}, {sums} FROM ({rows}) GROUP BY {by})"


def _score(balances: Iterable[int]) -> float | None:
    found = list(balances)
    return 100 * sum(found) / len(found) if found else None


def _mean(of: Iterable[float]) -> float | None:
    found = list(of)
    return sum(found) / len(found) if found else None


def _expected(answers: Sequence[Answer]) -> Mapping[str, float | None]:
    """From the answers alone, one by one."""
    nps = [answer for answer in answers if answer.metric == "nps"]
    csat = [answer for answer in answers if answer.metric == "csat"]
    clean = [answer for answer in csat if not answer.flagged]
    says = {"promoter": 1, "passive": 0, "detractor": -1}
    return {
        "nps": _score(says[_class(answer)] for answer in nps),
        "nps_excluded": _score(says[_class(answer)] for answer in nps if not answer.flagged),
        "nps_bound_mid": _score(min(0, says[_class(answer)]) if answer.flagged else says[_class(answer)] for answer in nps),
        "nps_bound_low": _score(-1 if answer.flagged else says[_class(answer)] for answer in nps),
        "validity_rate": _mean(not answer.flagged for answer in answers),
        "csat_top_two_box": _mean(answer.score >= 4 for answer in csat),
        "csat_excluded_top_two_box": _mean(answer.score >= 4 for answer in clean),
        "csat_bound_low_top_two_box": _mean(answer.score >= 4 and not answer.flagged for answer in csat),
        "csat_mean": _mean(answer.score for answer in csat),
        "csat_excluded_mean": _mean(answer.score for answer in clean),
    }


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(ANSWERS, min_size=1, max_size=40))
def test_scores_of_any_group_are_those_of_its_answers(embedded: ClickHouse, answers: list[Answer]) -> None:
    groups: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        groups[str(answer.group)].append(answer)
        groups[""].append(answer)

    found = {str(row["asked"]): row for by in ("unit", "''") for row in embedded.query(_asked(LOYALTY, _cells(answers), by)).to_pylist()}

    assert found.keys() == groups.keys()
    for group, of_group in groups.items():
        for name, value in _expected(of_group).items():
            assert found[group][name] == (None if value is None else pytest.approx(value)), (group, name)


def test_every_view_says_of_what_it_has_one_row(embedded: ClickHouse) -> None:
    read = [relation for relation in read_relations(embedded) if relation.is_view and not relation.parameters]
    views = {relation.about.name: {column.name for column in relation.columns} for relation in read}

    assert GRAINS.keys() | SEVERAL_ROWS == views.keys()
    assert not GRAINS.keys() & SEVERAL_ROWS
    for view, grain in GRAINS.items():
        assert set(grain) <= views[view], view


@pytest.mark.parametrize("cube", CUBES, ids=lambda cube: cube.name)
def test_only_counts_and_amounts_are_added_up(embedded: ClickHouse, cube: Cube) -> None:
    """Scores are Nullable(Float64) in every view; the only other number that is no count and no amount is a sum of scores."""
    (view,) = [relation for relation in read_relations(embedded) if relation.about.name == cube.view]
    kinds = {column.name: column.kind for column in view.columns}
    used = {word for one in cube.sums for word in re.findall(r"\b[a-z_]+\b", re.sub(r"'[^']*'", "", one.sql)) if word in kinds}

    assert used
    assert not {name for name in used if "Float64" in kinds[name]} - {"score_sum", "flagged_score_sum"}


def test_every_score_divides_sums_of_its_cube_and_names_are_used_once() -> None:
    for cube in CUBES:
        assert {name for score in cube.scores for name in (score.over, score.under, score.n)} <= {one.name for one in cube.sums}
    names = [one.name for cube in CUBES for one in cube.sums] + [score.name for cube in CUBES for score in cube.scores]
    assert len(names) == len(set(names))
