"""Open days of a partition's units, as the detectors look at them, one day after another."""

from collections.abc import Mapping, Sequence

import numpy as np

from schemas.enums import OF_MANY_CUSTOMERS, Channel
from streams.core.batch import Floats, Int64s
from streams.core.integrity import budget
from streams.core.integrity.days import UnitDays, no_praise
from streams.core.integrity.detectors import UNIT_DETECTORS
from streams.core.integrity.evidence import Alarm, Evidence
from streams.core.integrity.signs import NOTHING, nearly_repeated, used_by_others
from streams.core.ordering import order_by, packed
from streams.core.signals import ASK_DAYS, Sign, duration_bins
from streams.core.units.decisions import Pardon
from streams.core.units.fleet import FASTEST, SHOCK_WEIGHT, Paces, Strata, Volumes
from streams.core.units.state import ASKED_SHARE_DAYS, DRIFT_DAYS, LOOK_BACK_DAYS, UnitsState
from streams.core.units.tables import FLOWS, HISTORY

DAY = 86_400_000_000
"""Microseconds."""
RECENT_DAYS = 7
"""Days over which chances to be answered are taken."""
LEARNING_DAYS = 14
"""Before a unit is so old nobody knows what is usual there."""
INVITATION_WEIGHT = 2.0
"""An invitation leads to an answer more often than a transaction does."""
PLACES = {detector.name: place for place, detector in enumerate(UNIT_DETECTORS)}
SHARE_DAYS = 28
"""Days before, at most, of which a unit's own answers are told from those of others."""
_OF_MANY_CUSTOMERS = np.array([channel in OF_MANY_CUSTOMERS for channel in Channel])


class OpenDays:
    """The answers and flows of the open days, prepared once for all of them."""

    def __init__(self, state: UnitsState, false_alarm_days: float) -> None:
        self._state = state
        self._false_alarm_days = false_alarm_days
        self._units = state.units.count
        self._prepare_answers()
        self._prepare_flows()
        self._strata, self._volumes = Strata(state), Volumes(state)
        self._stratum = self._strata.of(state.units.group[self._unit], state.answers.metric[self.rows], state.answers.channel[self.rows])

    def _prepare_answers(self) -> None:
        table = self._state.answers
        signs = table.signs[: table.count]
        # Some are only kept since the sink has not got them yet.
        rows = np.flatnonzero((signs & Sign.COUNTED != 0) & (table.day[: table.count] > self._state.closed - LOOK_BACK_DAYS))
        # A total order, whatever the order of arrival.
        rows = rows[order_by(packed(np.stack([table.day[rows], table.unit[rows], table.occurred_at[rows]])), table.keys[rows])]
        self.rows = rows
        self._day, self._unit, self._signs = table.day[rows], table.unit[rows], signs[rows]
        self.high = self._signs & (Sign.TOP_BOX | Sign.TOP_TWO_BOX) != 0
        """Of each answer: its score is among those that gaming is after."""
        account, time = table.account[rows], table.occurred_at[rows]
        self._personal = ~_OF_MANY_CUSTOMERS[table.channel[rows]]
        device = np.where(self._personal, table.device[rows], NOTHING)
        contact, comment = table.contact[rows], table.comment[rows]
        look_back = LOOK_BACK_DAYS * DAY
        self._device_known, self._contact_known = device != NOTHING, contact != NOTHING
        self._device_repeated = used_by_others(self._unit, device, account, time, look_back)
        self._contact_suspect = used_by_others(self._unit, contact, account, time, look_back) | (self._signs & Sign.STAFF != 0)
        self._contact_known |= self._signs & Sign.STAFF != 0
        near = nearly_repeated(self._unit, comment, account, time, look_back, self._day > self._state.closed)
        self._comment_suspect = near | (self._signs & (Sign.BEGGED | Sign.ASKED) != 0)
        self._comment_told = (comment != NOTHING) | (self._signs & (Sign.BEGGED | Sign.ASKED_OR_NOT) != 0)
        self._duration_known = table.duration[rows] >= 0
        of_bin = np.where(self._duration_known, duration_bins(table.duration[rows]), -1)
        self._paces = Paces(self._state, self._unit, table.form[rows], of_bin, self._signs & Sign.STRAIGHT != 0)
        self.units_of_rows, self.days_of_rows = self._unit, self._day
        self.marks = table.marks[rows]
        """Bits of the detectors whose sign each answer carries; of an open day once it was judged."""

    def _prepare_flows(self) -> None:
        table = self._state.flows
        # Every day asks for several sums over a few days each.
        order = np.argsort(table.day[: table.count], kind="stable")
        self._flow_day, self._flow_unit = table.day[order], table.unit[order]
        self._flows = np.stack([table.column(name)[order] for name in FLOWS], axis=1).astype(np.float64)
        self._chance = self._flows[:, FLOWS.index("invitations")] * INVITATION_WEIGHT + self._flows[:, FLOWS.index("transactions")]

    def judge(self, evidence: Evidence, first: int, last: int, pardons: Sequence[tuple[int, Pardon]] = ()) -> list[Alarm]:
        """Takes the days ``first`` to ``last`` into the evidence of all units; days go on from where the last call ended.

        ``pardons`` are given with the number of the unit.
        """
        alarms: list[Alarm] = []
        for day in range(first, last + 1):
            for unit, pardon in pardons:
                if pardon.day == day and pardon.detector in PLACES:
                    evidence.pardon(unit, PLACES[pardon.detector], day)
            alarms += self._judge_day(evidence, day)
            self._end_day(day)
        return alarms

    def _judge_day(self, evidence: Evidence, day: int) -> list[Alarm]:
        answers = self._of_day(day)
        unit = self._unit[answers]
        risky, unasked, asked_share = self._asking(day - ASK_DAYS)
        present = np.zeros(self._units, np.bool_)
        present[unit] = True
        present |= risky > 0
        units = np.flatnonzero(present)
        if not len(units):
            return []
        opportunities = self._opportunities(day)
        straight = self._paces.straight(self._of_days(day - SHARE_DAYS, day - 1), answers)
        fast = self._paces.fast(answers) | ((self._signs[answers] & Sign.STRAIGHT != 0) & ~np.isnan(straight))
        judged = UnitDays(
            day=day,
            units=len(units),
            unit=(np.cumsum(present) - 1)[unit],
            top_box=self._signs[answers] & Sign.TOP_BOX != 0,
            expected_top=self._expected_top(answers, day),
            personal=self._personal[answers],
            device_known=self._device_known[answers],
            device_repeated=self._device_repeated[answers],
            contact_known=self._contact_known[answers],
            contact_suspect=self._contact_suspect[answers],
            comment_told=self._comment_told[answers],
            comment_suspect=self._comment_suspect[answers],
            duration_known=self._duration_known[answers],
            fast=fast,
            expected_fast=self._expected_fast(day) + np.nan_to_num(straight),
            opportunities=opportunities[units],
            swelling=self._swelling(day)[units],
            risky=risky[units].astype(np.int64),
            risky_unasked=np.clip(unasked, 0, risky)[units].astype(np.int64),
            asked_share=asked_share[units],
            pushing=np.zeros(len(units), np.bool_),
            praise=no_praise(len(units)),
        )
        self._mark(answers, judged)
        known = self._state.fleet_units
        fleet = int((known.first_day[: known.count] <= day).sum())
        return evidence.add_day(units, judged, budget.ticks(self._false_alarm_days, budget.UNITS, fleet))

    def _mark(self, answers: slice, judged: UnitDays) -> None:
        marks = np.zeros(answers.stop - answers.start, np.int64)
        for place, detector in enumerate(UNIT_DETECTORS):
            carried = detector.marks(judged)
            if carried is not None:
                marks |= np.where(carried, 1 << place, 0)
        self.marks[answers] = marks

    def _of_day(self, day: int) -> slice:
        return self._of_days(day, day)

    def _of_days(self, first: int, last: int) -> slice:
        return slice(*np.searchsorted(self._day, [first, last + 1]).tolist())

    def _expected_top(self, answers: slice, day: int) -> Floats:
        stratum, unit, learned = self._stratum[answers], self._unit[answers], self._state.learned(day)
        self._strata.learn(learned)
        rates = self._strata.rates
        if not len(stratum) or not len(rates):
            return np.full(len(stratum), np.nan)
        rate = np.where(stratum >= 0, rates[stratum], np.nan)
        peers, more = self._beside(unit, stratum, max(day - DRIFT_DAYS, learned) + 1, day)
        drift = more / (peers + SHOCK_WEIGHT)
        peers, more = self._beside(unit, stratum, day, day)
        shock = (more - drift * peers) / (peers + SHOCK_WEIGHT)
        return np.where(np.isnan(rate), np.nan, np.clip(rate + drift + shock, 0.01, 0.99))

    def _beside(self, unit: Int64s, stratum: Int64s, first: int, last: int) -> tuple[Floats, Floats]:
        """Returns, for each answer, how many answers its unit's peers had on these days, and how many more top scores than was expected."""
        answered, more = self._strata.excess(first, last)
        mine = self._of_days(first, last)
        expected = np.where(self._stratum[mine] >= 0, self._strata.rates[self._stratum[mine]], np.nan)
        known = ~np.isnan(expected)
        beyond = np.where(known, (self._signs[mine] & Sign.TOP_BOX != 0) - expected, 0.0)
        own_answered = np.bincount(self._unit[mine], known, self._units)
        own_more = np.bincount(self._unit[mine], beyond, self._units)
        return np.maximum(answered[stratum] - own_answered[unit], 0.0), more[stratum] - own_more[unit]

    def _opportunities(self, day: int) -> Floats:
        units = self._state.units
        forgotten = units.invitations[: self._units] * INVITATION_WEIGHT + units.transactions[: self._units]
        usual = forgotten + self._chances(HISTORY, day)
        age = day - units.first_day[: self._units] + 1
        recent = self._chances(day - RECENT_DAYS + 1, day) / RECENT_DAYS
        known = (usual > 0) & (age > LEARNING_DAYS)
        return np.where(known, recent * age / np.where(known, usual, 1.0), np.where(usual > 0, 1.0, np.nan))

    def _expected_fast(self, day: int) -> Floats:
        today = self._of_day(day)
        if not self._duration_known[today].any():
            return np.full(today.stop - today.start, FASTEST)
        return np.maximum(*(self._paces.fast_elsewhere(first, day, self._of_days(first, day), today) for first in (day, day - DRIFT_DAYS + 1)))

    def _swelling(self, day: int) -> Floats:
        # Before that, whether the fleet's numbers are told apart depends on how far days are closed.
        first = max(day - SHARE_DAYS, self._state.learned(day) + 1)
        lately, days = self._of_days(first, day), day + 1 - first
        own = np.bincount(self._unit[lately] * days + self._day[lately] - first, minlength=self._units * days).reshape(self._units, days)
        return self._volumes.swelling(day, own[:, -1].astype(np.float64), first, own[:, :-1].astype(np.float64))

    def _chances(self, first: int, last: int) -> Floats:
        chosen = self._flows_of(first, last)
        return np.bincount(self._flow_unit[chosen], self._chance[chosen], self._units).astype(np.float64)

    def _asking(self, day: int) -> tuple[Floats, Floats, Floats]:
        """Returns, per unit, the troubled transactions of a day, those that were not asked about, and the share of the others that were, lately.

        Of those alone whose customers were drawn to be asked and not left out by quarantine, where it is told who was: most may never have been meant
        to be asked, and whoever buys often is asked about few of his purchases.
        """
        lately, today = self._flow_sums(day - ASKED_SHARE_DAYS + 1, day), self._flow_sums(day, day)
        drawn = lately["drawn_transactions"] > 0

        def either(sums: Mapping[str, Floats], name: str) -> Floats:
            return np.where(drawn, sums[f"drawn_{name}"], sums[name])

        # Of those that were drawn alone, so none where nobody says who was.
        others = either(lately, "transactions") - either(lately, "risky") - (lately["quarantined"] - lately["risky_quarantined"])
        share = np.where(others > 0, either(lately, "asked") / np.where(others > 0, others, 1.0), np.nan)
        excused = today["risky_quarantined"]
        # What arrives too late for its day is left out, whichever number it would have changed.
        return np.maximum(either(today, "risky") - excused, 0.0), either(today, "risky_unasked") - excused, share

    def _flow_sums(self, first: int, last: int) -> dict[str, Floats]:
        """Returns the sums of each flow over these days, of each unit."""
        chosen, count = self._flows_of(first, last), len(FLOWS)
        places = self._flow_unit[chosen, None] * count + np.arange(count)
        sums = np.bincount(places.ravel(), self._flows[chosen].ravel(), self._units * count).reshape(self._units, count)
        return dict(zip(FLOWS, sums.T, strict=True))

    def _flows_of(self, first: int, last: int) -> slice:
        return slice(*np.searchsorted(self._flow_day, [first, last + 1]).tolist())

    def _end_day(self, day: int) -> None:
        self._paces.end_day(day)

    def newest(self, unit: int, day: int) -> int:
        """Returns the newest ``occurred_at`` among the answers of a unit on a day, in microseconds; the end of the day where there is none."""
        answers = self._of_day(day)
        mine = self._state.answers.occurred_at[self.rows[answers][self._unit[answers] == unit]]
        return int(mine.max()) if len(mine) else (day + 1) * DAY - 1
