"""Effects within accounts, against least squares with a column for each account and window, and where nothing or the reverse is true."""

from datetime import date

import numpy as np
import pytest

from schemas.model_enums import Model, Origin, Outcome
from streams.core.batch import Floats
from streams.fitting.effects import not_settled
from streams.fitting.panel import MOST_ROUNDS, Effect, NotSettledError, Observed, Panel, effect_of, preceding_effect, within
from streams.fitting.report import Report


def observed(accounts: int, windows: int, slope: float, seed: int = 1, kept: float = 1.0, newest: float | None = None) -> Observed:
    """Accounts that differ for good, windows that differ for all, and a control that hangs together with the cause and acts by itself."""
    random = np.random.default_rng(seed)
    account, window = (side.reshape(-1) for side in np.mgrid[0:accounts, 0:windows])
    lasting, season = random.normal(size=accounts) * 3, random.normal(size=windows) * 3
    cause = 5 + lasting[account] - season[window] + random.normal(size=account.shape)
    control = cause + random.normal(size=account.shape)
    slopes = np.where(window < 0.75 * windows, slope, slope if newest is None else newest)
    effect = 20 - 2 * lasting[account] + season[window] + slopes * cause + 1.5 * control + random.normal(size=account.shape)
    entries = random.random(account.shape) < kept
    return Observed(cause, effect, [control], account, window, account % 64).of(entries)


def least_squares(some: Observed) -> tuple[float, float]:
    """Slope and partial correlation, with a dummy for each account and window."""
    dummies = [some.account == one for one in np.unique(some.account)] + [some.window == one for one in np.unique(some.window)[1:]]
    others = np.column_stack([*some.controls, *(dummy.astype(float) for dummy in dummies)])

    def rest(values: Floats) -> Floats:
        return np.asarray(values - others @ np.linalg.lstsq(others, values, rcond=None)[0])

    slope = np.linalg.lstsq(np.column_stack([some.cause, others]), some.effect, rcond=None)[0][0]
    return float(slope), float(np.corrcoef(rest(some.cause), rest(some.effect))[0, 1])


@pytest.mark.parametrize("kept", [1.0, 0.6])
def test_it_is_least_squares_with_an_effect_of_each_account_and_window(kept: float) -> None:
    some = observed(60, 8, 0.7, kept=kept).comparable()

    found = effect_of(some)

    assert found.slope is not None
    assert found.correlation is not None
    assert found.elasticity is not None
    assert (found.slope.value, found.correlation.value) == pytest.approx(least_squares(some))
    assert found.elasticity.value == pytest.approx(found.slope.value * np.mean(some.cause) / np.mean(some.effect))
    assert found.n == len(some)


def test_intervals_hold_the_truth_nineteen_times_of_twenty_and_are_as_wide_as_they_must_be() -> None:
    slopes = [effect_of(observed(128, 6, 0.4, seed=seed)).slope for seed in range(60)]

    bounds = [(found.value, found.low, found.high) for found in slopes if found is not None and found.low is not None and found.high is not None]
    assert len(bounds) == 60
    assert sum(low <= 0.4 <= high for _, low, high in bounds) >= 53
    spread = float(np.std([value for value, _, _ in bounds]))
    assert np.mean([high - low for _, low, high in bounds]) == pytest.approx(2 * 2 * spread, rel=0.25)


def test_what_lasts_and_what_befalls_everybody_is_no_effect() -> None:
    """Where accounts and windows are not told apart, cause and effect hang together strongly."""
    some = observed(400, 8, 0.0, seed=3)
    found = effect_of(some)

    mixed = np.column_stack([some.cause, *some.controls, np.ones(len(some))])
    assert np.linalg.lstsq(mixed, some.effect, rcond=None)[0][0] < -0.5
    assert found.correlation is not None
    assert not found.published
    assert not found.confirmed


@pytest.mark.parametrize(("newest", "confirmed"), [(0.8, True), (0.0, False), (-0.8, False)])
def test_it_is_confirmed_where_the_newest_windows_show_it_again(newest: float, confirmed: bool) -> None:
    found = effect_of(observed(300, 8, 0.8, newest=newest))

    assert found.published
    assert found.held_out == 600
    assert found.confirmed == confirmed


@pytest.mark.parametrize(("accounts", "published"), [(49, False), (50, True)])
def test_it_is_published_from_200_on(accounts: int, published: bool) -> None:
    assert effect_of(observed(accounts, 4, 2.0)).published == published


def test_an_account_that_is_known_once_tells_nothing_and_what_is_not_known_is_left_out() -> None:
    some = observed(60, 4, 0.5)
    holes = some.effect.copy()
    holes[some.window > some.account % 4] = np.nan

    found = effect_of(Observed(some.cause, holes, some.controls, some.account, some.window, some.group))

    assert found.n == 15 * (2 + 3 + 4)


def nothing(found: Effect) -> bool:
    return (found.correlation, found.slope, found.elasticity, found.published, found.confirmed) == (None, None, None, False, False)


def test_a_side_that_does_not_vary_within_accounts_has_no_effect() -> None:
    some = observed(100, 4, 0.5)
    lasting = some.account.astype(np.float64)
    same = Observed(lasting, some.effect, [], some.account, some.window, some.group)
    twice = Observed(some.cause, some.effect, [some.cause * 1000], some.account, some.window, some.group)

    assert nothing(effect_of(same))
    assert nothing(effect_of(twice))
    assert nothing(effect_of(some.of(np.zeros(len(some), dtype=np.bool_))))
    assert nothing(effect_of(some.of(some.window == 0)))


def test_a_mean_of_0_has_no_elasticity() -> None:
    some = observed(64, 4, 0.5)
    balanced = some.effect - np.round(some.effect)
    whole = np.where(some.window % 2 == 0, 1.0, -1.0) * np.where(some.account % 2 == 0, 1.0, -1.0)

    found = effect_of(Observed(np.asarray(some.cause + balanced, dtype=np.float64), whole, [], some.account, some.window, some.group))

    assert found.slope is not None
    assert found.elasticity is None


PANEL = Panel(
    np.array([0, 0, 0, 1, 1]), np.array([3, 4, 6, 4, 5]), np.zeros(5, dtype=np.int64), {"score": np.array([1.0, 2.0, 3.0, 4.0, 5.0])}
)  # fmt: skip


@pytest.mark.parametrize(
    ("lag", "expected"),
    [(0, [1, 2, 3, 4, 5]), (1, [2, None, None, 5, None]), (2, [None, 3, None, None, None]), (-1, [None, 1, None, None, 4]), (9, [None] * 5)],
)
def test_effects_are_looked_up_so_many_windows_later_in_the_same_account(lag: int, expected: list[float | None]) -> None:
    found = PANEL.observed(np.zeros(5), "score", lag).effect

    assert [None if np.isnan(value) else value for value in found] == expected


def test_what_is_counted_is_0_from_its_beginning_to_the_end_of_the_data() -> None:
    found = PANEL.counted(np.zeros(5), "score", 1, np.array([5, 0]), 6).effect

    assert [None if np.isnan(value) else value for value in found] == [None, 0, None, 5, 0]


def histories(effect: float, answer: float, seed: int, accounts: int = 300, windows: int = 14) -> Panel:
    """Two series that hang on to what they were; the second follows the first by ``effect``, and the first answers to the second by ``answer``."""
    random = np.random.default_rng(seed)
    first, second = np.zeros((2, accounts, windows + 20))
    lasting = random.normal(size=accounts)
    noise = random.normal(size=(2, accounts, windows + 20))
    for now in range(1, windows + 20):
        first[:, now] = lasting + 0.3 * first[:, now - 1] + answer * second[:, now - 1] + noise[0, :, now]
        second[:, now] = -lasting + 0.4 * second[:, now - 1] + effect * first[:, now - 1] + noise[1, :, now]
    account, window = (side.reshape(-1) for side in np.mgrid[0:accounts, 0:windows])
    return Panel(account, window, account % 64, {"first": first[:, 20:].reshape(-1), "second": second[:, 20:].reshape(-1)})


def both_ways(panel: Panel) -> tuple[Effect, Effect]:
    """Whether the second follows the first, and whether the first follows the second."""
    forth = panel.observed(panel.values["first"], "second", 1, [panel.carried(panel.values["second"], 0)])
    back = panel.observed(panel.values["second"], "first", 1, [panel.carried(panel.values["first"], 0)])
    return preceding_effect(forth), preceding_effect(back)


@pytest.mark.parametrize("answer", [0.0, -0.4, 0.4])
def test_what_comes_first_is_told_from_what_answers_to_it(answer: float) -> None:
    """Plain fixed effects tell of an effect where there is only an answer; where there is one, its size is found."""
    absent = [both_ways(histories(0.0, answer, seed)) for seed in range(8)]
    planted, _ = both_ways(histories(0.25, answer, 1))

    assert sum(forth.published for forth, _ in absent) <= 2
    assert not any(forth.confirmed for forth, _ in absent)
    assert all(back.confirmed for _, back in absent) == (answer != 0)
    assert planted.confirmed
    assert planted.slope is not None
    assert planted.slope.low is not None
    assert planted.slope.high is not None
    assert planted.slope.low < 0.25 < planted.slope.high


def test_a_short_history_does_not_tell_what_came_first() -> None:
    assert both_ways(histories(0.5, 0.0, 1, windows=8))[0].n == 0
    assert both_ways(histories(0.5, 0.0, 1, windows=9))[0].n == 300 * 8


def test_a_corrected_slope_is_twice_the_whole_less_the_mean_of_the_halves() -> None:
    some = observed(40, 9, 0.7, kept=0.97, seed=2).comparable(8)
    late = np.array(
        [np.sum((some.account == a) & (some.window < w)) >= np.sum(some.account == a) / 2 for a, w in zip(some.account, some.window, strict=True)]
    )

    found = preceding_effect(some).slope

    assert found is not None
    assert found.value == pytest.approx(2 * least_squares(some)[0] - (least_squares(some.of(late))[0] + least_squares(some.of(~late))[0]) / 2)


@pytest.mark.parametrize(("lag", "expected"), [(0, [1, 2, 3, 4, 5]), (-1, [None, 1, 2, None, 4]), (1, [2, 2, 3, 5, 5])])
def test_what_was_known_last_is_carried_on_in_the_same_account(lag: int, expected: list[float | None]) -> None:
    found = PANEL.carried(PANEL.values["score"], lag)

    assert [None if np.isnan(value) else value for value in found] == expected


def test_what_was_never_known_is_not_carried_on() -> None:
    found = PANEL.carried(np.array([np.nan, 2.0, np.nan, np.nan, 5.0]), 0)

    assert [None if np.isnan(value) else value for value in found] == [None, 2, 2, None, 5]


def chain(windows: int, each: int, seed: int = 5) -> Observed:
    """Accounts that are known in two windows that follow each other, so that far windows hang together by many steps; cause and effect are one."""
    random = np.random.default_rng(seed)
    account = np.repeat(np.arange((windows - 1) * each), 2)
    window = (account // each) + np.tile([0, 1], (windows - 1) * each)
    cause = random.normal(size=account.shape) + window
    return Observed(cause, cause + random.normal(size=account.shape) / 2, [], account, window, account % 64)


def test_what_does_not_settle_is_not_told() -> None:
    """Each round takes a little of what windows have in common; over 120 windows in a chain 500 rounds leave some of it."""
    some = chain(120, 4)

    with pytest.raises(NotSettledError, match=f"{MOST_ROUNDS} rounds"):
        within(np.column_stack([some.cause, some.effect]), some.account, some.window)
    found = effect_of(some)
    assert (found.correlation, found.slope, found.elasticity) == (None, None, None)
    assert (found.settled, found.published, found.confirmed) == (False, False, False)
    assert found.n == len(some)


def test_a_short_chain_settles_and_is_least_squares() -> None:
    some = chain(6, 20)

    found = effect_of(some)

    assert found.settled
    assert found.slope is not None
    assert found.slope.value == pytest.approx(least_squares(some)[0])


def test_what_was_not_told_for_want_of_links_is_said_in_words() -> None:
    assert not_settled([]) == ""
    said = not_settled([(Origin.OPERATIONS, "wait", Outcome.FEELING, 1), (Origin.MESSAGES, "value_share", Outcome.BOUGHT, -2)])
    assert said.startswith(
        "not told, or not confirmed, of wait on feeling (lag 1), value_share on bought (lag -2): the means of accounts and windows"
    )
    # It is told of a model that was fitted all the same.
    row = Report(Model.EFFECTS, date(2026, 1, 1), 500, "accounts", reservation=said).row()
    assert (row["state"], row["explanation"]) == ("fitted", said)
