"""Scores mapped to their metric's scale, exactly."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.enums import Metric, Topic
from schemas.events import SCALES
from streams.core.decoding.scales import mapped_scores
from tests.streams.core.decoding.records import decoded, plain

ENDS = st.one_of(st.integers(-100, 100).map(float), st.floats(-1e3, 1e3), st.sampled_from([0.1, 0.3, 1e300, -1e300, 2.0**50]))


def _mapped(metric: Metric, score: float, lowest: float, highest: float) -> float:
    code = np.array([list(Metric).index(metric)], np.int8)
    (found,) = mapped_scores(code, np.array([score]), np.array([lowest]), np.array([highest])).tolist()
    return float(found)


@given(st.sampled_from(list(Metric)), ENDS, ENDS, st.floats(0, 1))
@settings(max_examples=400, deadline=None)
def test_mapped_score_is_the_nearest_double(metric: Metric, lowest: float, highest: float, share: float) -> None:
    """Of the exact value, numbers being what their shortest decimal form says."""
    if lowest >= highest:
        lowest, highest = highest, lowest
    assume(lowest < highest)
    score = min(max(lowest + (highest / 2 - lowest / 2) * 2 * share, lowest), highest)
    exact = [Fraction(Decimal(repr(number))) for number in (score, lowest, highest)]
    to_lowest, to_highest = (Fraction(end) for end in SCALES[metric])

    found = _mapped(metric, score, lowest, highest)

    assert found == float(to_lowest + (exact[0] - exact[1]) * (to_highest - to_lowest) / (exact[2] - exact[1]))
    assert to_lowest <= found <= to_highest


@pytest.mark.parametrize(
    ("metric", "score", "scale", "mapped", "response_class", "top", "top_two"),
    [
        ("nps", 9, None, 9.0, "promoter", False, True),
        ("nps", 10, None, 10.0, "promoter", True, True),
        ("nps", 8.5, None, 8.5, "passive", False, False),
        ("nps", 8.999999, None, 8.999999, "passive", False, False),
        ("nps", 7, None, 7.0, "passive", False, False),
        ("nps", 6.99, None, 6.99, "detractor", False, False),
        ("nps", 0.9, (0, 1), 9.0, "promoter", False, True),
        ("nps", 0.7, (0, 1), 7.0, "passive", False, False),
        ("nps", 90, (0, 100), 9.0, "promoter", False, True),
        ("nps", 9.1, (1, 10), 9.0, "promoter", False, True),
        ("nps", 5, (1, 5), 10.0, "promoter", True, True),
        ("nps", 0.63, (0.07, 0.77), 8.0, "passive", False, False),
        ("csat", 5, None, 5.0, None, True, True),
        ("csat", 4, None, 4.0, None, False, True),
        ("csat", 3.999, None, 3.999, None, False, False),
        ("csat", 100, (0, 100), 5.0, None, True, True),
        ("csat", 75, (0, 100), 4.0, None, False, True),
        ("ces", 6, None, 6.0, None, False, True),
        ("ces", 7, None, 7.0, None, True, True),
        ("rating", 4, None, 4.0, None, False, True),
        ("rating", 8, (0, 10), 4.2, None, False, True),
    ],
)
def test_classes_and_boxes(
    metric: str, score: float, scale: tuple[float, float] | None, mapped: float, response_class: str | None, top: bool, top_two: bool
) -> None:
    """At the borders of classes, on default and other scales."""
    given_scale = {} if scale is None else {"scale_min": scale[0], "scale_max": scale[1]}

    result = decoded(Topic.FEEDBACK, plain(Topic.FEEDBACK, metric=metric, score=score, **given_scale))
    (row,) = result.facts.to_pylist()

    assert (row["score"], row["score_mapped"], row["class"], row["top_box"], row["top_two_box"]) == (score, mapped, response_class, top, top_two)
    assert (row["scale_min"], row["scale_max"]) == (scale or SCALES[metric])
    assert result.score.tolist() == [mapped]
