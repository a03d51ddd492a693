"""From accounts and windows as they are read to a row for each cause, effect and lag."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from schemas.model_enums import Model, Origin, Outcome
from streams.core.batch import Bools, Floats, Int64s
from streams.fitting.linkage import LEAST_PAIRS
from streams.fitting.panel import MOST_ROUNDS, Effect, Observed, Panel, effect_of, preceding_effect
from streams.fitting.reading import MONDAY, WINDOW_DAYS, Source, floats, integers
from streams.fitting.report import Report, Row, columns

MESSAGE_LAGS = (-3, -2, -1, 1, 2, 3)
"""Windows from the messages to what follows; below 0 it came before them, so that it can be seen which of both was first."""
MEASURE_LAGS: Mapping[Outcome, tuple[int, ...]] = {
    **dict.fromkeys((Outcome.FEELING, Outcome.SPEND, Outcome.BOUGHT), (0, 1, 2, 3)),
    **dict.fromkeys((Outcome.VALUE, Outcome.FOCUS, Outcome.EFFORT, Outcome.HASSLES), (0,)),
}
"""Windows from a measurement to each outcome; the hub is looked at in the same window."""
_MESSAGES = "value_share"
_LEAST_TOGETHER = 0.8
"""Another measure is held constant where it is known of at least this share of the entries."""
_FIRST_WINDOW = date(1970, 1, 1) + timedelta(MONDAY)
_NEVER = np.iinfo(np.int64).max
_Asked = tuple[Origin, str, Outcome, int]
"""Where the cause is observed, the cause, the outcome and the lag."""


class _Accounts:
    """The panel, and from when on what is counted is known of each account."""

    def __init__(self, source: Source, as_of: date) -> None:
        read = source.panel(as_of)
        self._hashes, places = np.unique(integers(read, "account"), return_inverse=True)
        account = places.reshape(-1)
        values = {name: floats(read, name) for name in (_MESSAGES, "feeling", "effort", "spend", "bought", "hassles", "vdi")}
        values[Outcome.FOCUS.value] = np.sqrt(values["vdi"] * values["feeling"])
        self.panel = Panel(account, integers(read, "window"), integers(read, "part"), values)
        everything = np.ones(len(account), dtype=np.bool_)
        self._seen = self._first(everything)
        bought = self._first(values["bought"] > 0)
        # The purchase that made somebody a customer is not bought again.
        self._customer = np.where(bought == _NEVER, _NEVER, bought + 1)
        self._last = ((as_of - _FIRST_WINDOW).days + 1) // WINDOW_DAYS - 1

    def observed(self, cause: Floats, outcome: Outcome, lag: int, controls: list[Floats]) -> Observed:
        begin = {Outcome.SPEND: self._customer, Outcome.BOUGHT: self._customer, Outcome.HASSLES: self._seen}.get(outcome)
        if begin is None:
            return self.panel.observed(cause, outcome.value, lag, controls)
        return self.panel.counted(cause, outcome.value, lag, begin, self._last, controls)

    def preceding(self, outcome: Outcome, lag: int) -> Observed:
        """What came first as the cause, what came after as the effect, and what was known of the latter by then held constant."""
        messages = self.panel.values[_MESSAGES]
        both = self.observed(messages, outcome, lag, [])
        if lag > 0:
            known = self.observed(messages, outcome, 0, []).effect if outcome is Outcome.BOUGHT else self.panel.carried(self.panel.values[outcome], 0)
            return replace(both, controls=[known])
        return replace(both, cause=both.effect, effect=both.cause, controls=[self.panel.carried(messages, lag)])

    def measured(self, source: Source, as_of: date, measure: str) -> Floats:
        """The measure in each row of the panel; NaN where it was not measured."""
        read = source.measured(as_of, measure)
        found = np.full(len(self.panel), np.nan)
        # Every measurement has its row.
        found[self.panel.place(np.searchsorted(self._hashes, integers(read, "account")), integers(read, "number"))] = floats(read, "mean_value")
        return found

    def _first(self, where: Bools) -> Int64s:
        first = np.full(int(self.panel.account.max(initial=-1)) + 1, _NEVER, dtype=np.int64)
        np.minimum.at(first, self.panel.account[where], self.panel.window[where])
        return first


def find_effects(source: Source, as_of: date) -> tuple[list[Row], Report]:
    """A row per cause, effect and lag."""
    accounts = _Accounts(source, as_of)
    found: dict[_Asked, Effect] = {}
    if len(accounts.panel):
        found |= {
            (Origin.MESSAGES, _MESSAGES, outcome, lag): preceding_effect(accounts.preceding(outcome, lag))
            for outcome in (Outcome.FEELING, Outcome.BOUGHT)
            for lag in MESSAGE_LAGS
        }
        measures = {measure: accounts.measured(source, as_of, measure) for measure in source.measures(as_of)}
        for measure, values in measures.items():
            others = [other for name, other in measures.items() if name != measure and _are_together(values, other)]
            found |= {
                (Origin.OPERATIONS, measure, outcome, lag): effect_of(accounts.observed(values, outcome, lag, others))
                for outcome, lags in MEASURE_LAGS.items()
                for lag in lags
            }
    enough = any(effect.correlation is not None for effect in found.values())
    why = "" if enough else f"no account is known in two complete windows of {WINDOW_DAYS} days in which both a cause and an outcome change"
    data = f"accounts in complete windows of {WINDOW_DAYS} days"
    parameters = {"least_pairs": float(LEAST_PAIRS), "window_days": float(WINDOW_DAYS)}
    reservation = not_settled([asked for asked, effect in found.items() if not effect.settled])
    report = Report(Model.EFFECTS, as_of, len(accounts.panel), data, parameters, why, reservation)
    return [_row(*asked, effect) for asked, effect in found.items()], report


def not_settled(asked: Sequence[_Asked]) -> str:
    """Which effects could not be told for want of accounts that link the windows, in words; empty where all could."""
    if not asked:
        return ""
    named = ", ".join(f"{cause} on {outcome.value} (lag {lag})" for _, cause, outcome, lag in asked)
    why = f"the means of accounts and windows did not settle in {MOST_ROUNDS} rounds, since too few accounts link the windows"
    return f"not told, or not confirmed, of {named}: {why}"


def _are_together(values: Floats, other: Floats) -> bool:
    known = np.isfinite(values)
    return bool(np.any(known) and np.count_nonzero(known & np.isfinite(other)) >= _LEAST_TOGETHER * np.count_nonzero(known))


def _row(origin: Origin, cause: str, outcome: Outcome, lag: int, found: Effect) -> Row:
    return {
        "origin": origin.value, "cause": cause, "effect": outcome.value, "lag": lag, "n": found.n,
        **columns("correlation", found.correlation), **columns("slope", found.slope), **columns("elasticity", found.elasticity),
        "published": found.published, "holdout_n": found.held_out, **columns("holdout_correlation", found.held_out_correlation),
        "confirmed": found.confirmed,
    }  # fmt: skip
