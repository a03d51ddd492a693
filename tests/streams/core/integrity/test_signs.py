"""Signs on responses, against the definition, pair by pair."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.integrity.signs import nearly_repeated, used_by_others
from streams.core.integrity.text.fingerprints import NEAR

LOOK_BACK = 5


@dataclass(frozen=True)
class Given:
    """A response; few values each, so that things meet."""

    unit: int
    thing: int
    account: int
    time: int
    judged: bool

    def is_after(self, other: "Given") -> bool:
        """Later, or at the same time with the greater account."""
        return (self.time, self.account) > (other.time, other.account)


RESPONSES = st.lists(st.builds(Given, st.integers(0, 2), st.integers(0, 3), st.integers(1, 4), st.integers(0, 15), st.booleans()), max_size=25)


def _columns(responses: list[Given]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    return (
        np.array([r.unit for r in responses], np.int64),
        np.array([r.thing for r in responses], np.uint64),
        np.array([r.account for r in responses], np.uint64),
        np.array([r.time for r in responses], np.int64),
    )


def _shares(response: Given, other: Given) -> bool:
    return other.unit == response.unit and other.account != response.account and response.is_after(other) and response.time - other.time <= LOOK_BACK


@given(RESPONSES)
def test_things_used_by_others(responses: list[Given]) -> None:
    expected = [r.thing != 0 and any(_shares(r, other) and other.thing == r.thing for other in responses) for r in responses]
    assert used_by_others(*_columns(responses), LOOK_BACK).tolist() == expected


@given(RESPONSES, st.integers(1, NEAR + 2))
def test_comments_nearly_repeated(responses: list[Given], bits: int) -> None:
    """Thing 0 is no comment; 1 and 2 differ in two bits, 3 differs from 1 in ``bits`` bits."""
    marks = np.array([0, 1 << 40, 1 << 41, (1 << 40) | ((1 << bits) - 1)], np.uint64)
    unit, thing, account, time = _columns(responses)
    near = {(a, b) for a in (1, 2, 3) for b in (1, 2, 3) if (int(marks[a]) ^ int(marks[b])).bit_count() <= NEAR}
    judged = np.array([r.judged for r in responses], np.bool_)
    expected = [r.judged and any(_shares(r, other) and (r.thing, other.thing) in near for other in responses) for r in responses]
    assert nearly_repeated(unit, marks[thing.astype(np.int64)], account, time, LOOK_BACK, judged).tolist() == expected


@given(RESPONSES, st.randoms())
def test_the_order_of_arrival_does_not_matter(responses: list[Given], shuffler: object) -> None:
    order = list(range(len(responses)))
    shuffler.shuffle(order)  # type: ignore[attr-defined]
    found = used_by_others(*_columns(responses), LOOK_BACK)
    again = used_by_others(*_columns([responses[i] for i in order]), LOOK_BACK)
    assert again.tolist() == [bool(found[i]) for i in order]
