"""What a flush tells the units stage: answers that began or ceased to count, chances to be answered, and what the whole fleet did."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.begging import Lexicon
from schemas.enums import ContactClass, InvitationType, Topic, TransactionType
from streams.core.accounts.asking import NUMBERS, Difference
from streams.core.accounts.loyalty import TOP
from streams.core.accounts.praising import NUMBERS as PRAISE_NUMBERS
from streams.core.accounts.praising import Answered
from streams.core.accounts.responses import Counted, Feedback, TakenOut, is_late
from streams.core.accounts.state import AccountsState
from streams.core.accounts.transactions import transaction_keys
from streams.core.batch import Bools, Decoded, Int64s
from streams.core.hashing import UInt64s, combine, hash_strings, salt
from streams.core.integrity.text.begging import BeggingPhrases
from streams.core.integrity.text.fingerprints import fingerprints
from streams.core.integrity.text.words import words_of
from streams.core.signals import (
    MOST_ANSWERS,
    MOST_NUMBERS,
    Answer,
    FleetSignals,
    Flow,
    Pace,
    PlanDay,
    PraiseDay,
    Sign,
    Stratum,
    UnitSignals,
    duration_bin,
)

FEWEST_STRAIGHT = 4
"""The same answer to so many questions is no accident."""
NOT_YET = -(2**31)
"""The clock of a partition that has read nothing of a topic of which there may be more."""
_CLOCK_TOPICS = (Topic.FEEDBACK, Topic.INVITATIONS, Topic.TRANSACTIONS)
_REVISION, _FORM = salt("revision of an answer"), salt("form")
_TOLD = ["contact_class", "asked_for_score", "answers", "comment", "language", "survey_id", "device_hash", "contact_hash", "duration_ms"]
_SAMPLED, _SENT, _BOUNCED = (
    list(InvitationType).index(kind) for kind in (InvitationType.SAMPLED, InvitationType.SENT, InvitationType.BOUNCED)
)  # fmt: skip
_DAYS_BEFORE_1970 = 1 << 20
"""More than any event lies before 1970."""
_COMPLETED = list(TransactionType).index(TransactionType.COMPLETED)


class Signalling:
    """Collects signals between two flushes.

    ``group_of`` gives the hash of a unit's peer group, ``plans`` those of the incentive plans of each unit that has any, ``local_days`` the local
    dates of instants in microseconds.
    """

    def __init__(
        self,
        lexicons: Mapping[str, Lexicon],
        group_of: Callable[[str], int],
        plans: Mapping[str, Sequence[int]],
        local_days: Callable[[Int64s], npt.NDArray[np.int32]],
    ) -> None:
        self._begging = BeggingPhrases(lexicons)
        self._group_of = group_of
        self._plans_of = plans
        self._local_days = local_days
        self._clear()

    def _clear(self) -> None:
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._flows: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0] * (1 + len(NUMBERS)))
        self._strata: dict[tuple[int, int, int, int], list[int]] = defaultdict(lambda: [0, 0])
        self._paces: dict[tuple[int, int, int], int] = defaultdict(int)
        self._plans: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        self._praise: dict[int, list[int]] = defaultdict(lambda: [0] * len(PRAISE_NUMBERS))

    # -- feedback -----------------------------------------------------------------------------------------------------

    def feedback(self, state: AccountsState, events: Decoded, account_hashes: UInt64s, feedback: Feedback, before: Int64s) -> None:
        """Takes note of a batch of feedback that was taken in; ``before`` is the topic's newest time before each event."""
        for change in feedback.changes:
            if isinstance(change, TakenOut):
                self._taken_out(state, change)
            elif change.told.any():
                self._counted(state, events, account_hashes, change)
        accepted = np.flatnonzero(feedback.accepted & _in_time(events, before))
        # Each accepted submission once, whichever revision counts in the end, so that the order of revisions does not matter.
        self._durations(events, accepted)
        if self._plans_of:
            self._newest_of_plans(events, accepted)

    def _taken_out(self, state: AccountsState, change: TakenOut) -> None:
        told = np.flatnonzero(change.told)
        keys, top = _revision_keys(change.key, change.revision), change.score == TOP[change.metric]
        naming = told[change.purchase[told] != 0]
        if len(naming):
            self._add_praise(state.praised_purchases.taken_out(change.purchase[naming], keys[naming]))
        names = state.units.unit_id
        columns = (keys, change.revision, change.unit, change.day, change.metric, change.channel, top)
        for key, revision, unit, day, metric, channel, is_top in zip(*(column[told].tolist() for column in columns), strict=True):
            self._answers[names[unit]].append(Answer(key, revision, 0, 0, day, metric, channel, 0, 0, 0, 0, 0, -1, "", ""))
            self._add_to_fleet(names[unit], day, metric, channel, -1, -int(is_top))

    def _counted(self, state: AccountsState, events: Decoded, account_hashes: UInt64s, change: Counted) -> None:
        chosen, told_keys = change.event[change.told], change.key[change.told]
        facts = events.facts.select(_TOLD).take(pa.array(chosen))
        signs: Int64s = np.full(len(chosen), int(Sign.COUNTED))
        top = events.score[chosen] == TOP[events.metric[chosen]]
        signs |= np.where(top, int(Sign.TOP_BOX), 0)
        signs |= _given(facts, "contact_class", ContactClass.STAFF.value) * int(Sign.STAFF)
        asked = facts.column("asked_for_score").to_pylist()
        signs |= np.array([0 if answer is None else int(Sign.ASKED_OR_NOT | Sign.ASKED) if answer else int(Sign.ASKED_OR_NOT) for answer in asked])
        signs |= np.array([int(Sign.STRAIGHT) if _is_straight(answers) else 0 for answers in facts.column("answers").to_pylist()], np.int64)
        begged, marks = self._read_comments(facts)
        signs |= np.where(begged, int(Sign.BEGGED), 0)
        keys = _revision_keys(told_keys, events.revision[chosen])
        named = [events.transaction_id[i] for i in chosen.tolist()]
        naming = np.flatnonzero([name is not None for name in named])
        if len(naming):
            of = chosen[naming]
            purchases = transaction_keys(account_hashes[of], [named[i] or "" for i in naming.tolist()])
            answered = Answered(purchases, keys[naming], events.occurred_at[of], events.day[of].astype(np.int64), top[naming])
            self._add_praise(state.praised_purchases.answered(answered))
        form = _forms(facts, events.channel[chosen])
        columns = zip(
            keys.tolist(), events.revision[chosen].tolist(), signs.tolist(), events.occurred_at[chosen].tolist(), events.day[chosen].tolist(),
            events.metric[chosen].tolist(), events.channel[chosen].tolist(), account_hashes[chosen].tolist(), _hashes(facts, "device_hash").tolist(),
            _hashes(facts, "contact_hash").tolist(), marks.tolist(), form.tolist(), facts.column("duration_ms").fill_null(-1).to_pylist(),
            [events.account_id[i] for i in chosen.tolist()], [events.identity[i] for i in chosen.tolist()], strict=True,
        )  # fmt: skip
        units = [events.unit_id[i] for i in chosen.tolist()]
        for unit, values, is_top in zip(units, columns, top.tolist(), strict=True):
            answer = Answer(*values)
            self._answers[unit].append(answer)
            self._add_to_fleet(unit, answer.day, answer.metric, answer.channel, 1, int(is_top))

    def _read_comments(self, facts: pa.Table) -> tuple[Bools, UInt64s]:
        """Returns which comments speak of begging, and the fingerprint of each."""
        comments, languages = facts.column("comment").to_pylist(), facts.column("language").to_pylist()
        words = [words_of(comment) if comment else [] for comment in comments]
        begged = [bool(told) and self._begging.found(told, language) is not None for told, language in zip(words, languages, strict=True)]
        return np.array(begged, np.bool_), fingerprints(words)

    def _durations(self, events: Decoded, at: Int64s) -> None:
        if not len(at):
            return
        facts = events.facts.select(["duration_ms", "survey_id"]).take(pa.array(at))
        durations = facts.column("duration_ms").to_pylist()
        for day, form, duration in zip(events.day[at].tolist(), _forms(facts, events.channel[at]).tolist(), durations, strict=True):
            if duration is not None:
                self._paces[day, form, duration_bin(duration)] += 1

    def _newest_of_plans(self, events: Decoded, at: Int64s) -> None:
        for i, day, occurred_at in zip(at.tolist(), events.day[at].tolist(), events.occurred_at[at].tolist(), strict=True):
            for plan in self._plans_of.get(events.unit_id[i], ()):
                cell = self._plans[plan, day]
                cell[2] = max(cell[2], occurred_at)

    def _add_praise(self, difference: Mapping[int, Int64s]) -> None:
        for day, numbers in difference.items():
            cell = self._praise[day]
            for place, number in enumerate(numbers.tolist()):
                cell[place] += number

    def _add_to_fleet(self, unit: str, day: int, metric: int, channel: int, answers: int, top: int) -> None:
        cells = [self._strata[day, self._group_of(unit), metric, channel], *(self._plans[plan, day] for plan in self._plans_of.get(unit, ()))]
        for cell in cells:
            cell[0] += answers
            cell[1] += top

    # -- chances to be answered ---------------------------------------------------------------------------------------

    def purchases(self, state: AccountsState, events: Decoded, fresh: Int64s, keys: UInt64s, before: Int64s) -> None:
        """Takes note of purchases among new transactions; ``keys`` are those of the transactions."""
        unit_ids = events.facts.column("unit_id")
        chosen = _in_time(events, before)[fresh] & (events.event_type[fresh] == _COMPLETED) & unit_ids.is_valid().to_numpy()[fresh]
        at = fresh[chosen]
        if not len(at):
            return
        facts = events.facts.select(["unit_id", "risk_flags"]).take(pa.array(at))
        # Few units are named many times.
        named = facts.column("unit_id").combine_chunks().dictionary_encode()
        units = state.units.numbers_of(named.dictionary.to_pylist()).astype(np.int64)[named.indices.to_numpy()]
        risky = pc.list_value_length(facts.column("risk_flags")).to_numpy() > 0
        table = state.asked_purchases
        self._tell(state, table.sold(keys[chosen], units, events.day[at].astype(np.int64), events.occurred_at[at], risky))

    def refunds(self, state: AccountsState, events: Decoded, account_hashes: UInt64s, fresh: Int64s, before: Int64s) -> None:
        """Takes note of refunds that name their purchase among new transactions."""
        at = fresh[_in_time(events, before)[fresh] & (events.event_type[fresh] != _COMPLETED)]
        names = [events.transaction_id[i] for i in at.tolist()]
        naming = np.flatnonzero([name is not None for name in names])
        if len(naming):
            purchases = transaction_keys(account_hashes[at[naming]], [names[i] or "" for i in naming.tolist()])
            self._add_praise(state.praised_purchases.refunded(purchases, events.occurred_at[at[naming]]))

    def invitations(self, state: AccountsState, events: Decoded, account_hashes: UInt64s, fresh: Int64s, before: Int64s) -> None:
        """Takes note of invitations that were sampled, sent or bounced among new events."""
        at = fresh[_in_time(events, before)[fresh] & np.isin(events.event_type[fresh], (_SAMPLED, _SENT, _BOUNCED))]
        if not len(at):
            return
        facts = events.facts.select(["unit_id", "transaction_id"]).take(pa.array(at))
        kinds = events.event_type[at]
        sent = kinds == _SENT
        places = Counter(zip(facts.column("unit_id").filter(pa.array(sent)).to_pylist(), events.day[at[sent]].tolist(), strict=True))
        for place, number in places.items():
            self._flows[place][0] += number
        names = facts.column("transaction_id").to_pylist()
        naming = np.flatnonzero([name is not None for name in names])
        if len(naming):
            keys = transaction_keys(account_hashes[at[naming]], [names[i] for i in naming.tolist()])
            times, drawn = events.occurred_at[at[naming]], kinds[naming] == _SAMPLED
            if drawn.any():
                self._tell(state, state.asked_purchases.drawn(keys[drawn], times[drawn]))
            if not drawn.all():
                self._tell(state, state.asked_purchases.invited(keys[~drawn], times[~drawn], ~sent[naming][~drawn]))

    def _tell(self, state: AccountsState, difference: Difference) -> None:
        table, names = state.asked_purchases, state.units.unit_id
        units, days = table.unit[difference.rows].astype(np.int64), table.day[difference.rows].astype(np.int64)
        # Most purchases of a batch are of few units and days.
        places, of_place = np.unique(units << 32 | days + _DAYS_BEFORE_1970, return_inverse=True)
        sums = np.zeros((len(places), len(NUMBERS)), np.int64)
        np.add.at(sums, of_place, difference.numbers)
        for place, numbers in zip(places.tolist(), sums.tolist(), strict=True):
            flow = self._flows[names[place >> 32], (place & 0xFFFFFFFF) - _DAYS_BEFORE_1970]
            for at, number in enumerate(numbers, 1):
                flow[at] += number

    # -- taking -------------------------------------------------------------------------------------------------------

    def take(self, state: AccountsState, partition: int, resting: Collection[Topic]) -> Iterator[UnitSignals | FleetSignals]:
        """Yields the signals since the last time, once: those of each unit, then those for everybody, of which the last tells the clock.

        ``resting`` are the topics that have nothing more to read for now.
        """
        flows: dict[str, list[Flow]] = defaultdict(list)
        for (unit, day), numbers in self._flows.items():
            if any(numbers):
                flows[unit].append(Flow(day, *numbers))
        first_days: dict[str, int] = {}
        for unit in dict.fromkeys((*self._answers, *flows)):
            answers, of_unit = self._answers.get(unit, []), flows.get(unit, [])
            first_days[unit] = min([*(answer.day for answer in answers), *(flow.day for flow in of_unit)])
            for at in range(0, max(len(answers), len(of_unit)), MOST_ANSWERS):
                yield UnitSignals(unit, answers[at : at + MOST_ANSWERS], of_unit[at : at + MOST_ANSWERS])
        new_units = list(zip(hash_strings(list(first_days)).tolist(), first_days.values(), strict=True))
        strata = [Stratum(*cell, *numbers) for cell, numbers in self._strata.items() if any(numbers)]
        paces = [Pace(*cell, number) for cell, number in self._paces.items()]
        praise = [PraiseDay(day, *numbers) for day, numbers in self._praise.items() if any(numbers)]
        plans = [PlanDay(*cell, *numbers) for cell, numbers in self._plans.items() if any(numbers)]
        clock, caught_up = self._clock(state, resting), all(topic in resting for topic in _CLOCK_TOPICS)
        rest = max(len(new_units), len(strata), len(paces), len(plans), len(praise))
        for at in range(0, max(rest, 1), MOST_NUMBERS):
            is_last = at + MOST_NUMBERS >= rest
            part = slice(at, at + MOST_NUMBERS)
            parts = new_units[part], strata[part], paces[part], plans[part], praise[part]
            yield FleetSignals(partition, clock if is_last else None, is_last and caught_up, *parts)
        self._clear()

    def _clock(self, state: AccountsState, resting: Collection[Topic]) -> int:
        """Returns the day that all topics have reached which have more to read; where none has, the newest day of any."""
        reached = {topic: state.watermarks.get(topic) for topic in _CLOCK_TOPICS}
        waited_for = [newest for topic, newest in reached.items() if topic not in resting]
        known = [newest for newest in reached.values() if newest is not None]
        if None in waited_for or not known:
            return NOT_YET
        instant = min(newest for newest in waited_for if newest is not None) if waited_for else max(known)
        return int(self._local_days(np.array([instant]))[0])


def _in_time(events: Decoded, before: Int64s) -> Bools:
    return ~events.synthetic & ~is_late(events, before)


def _revision_keys(keys: UInt64s, revisions: Int64s) -> UInt64s:
    return combine(combine(keys, revisions.view(np.uint64)), _REVISION)


def _forms(facts: pa.Table, channels: npt.NDArray[np.int8]) -> UInt64s:
    return combine(combine(hash_strings(facts.column("survey_id").to_pylist()), channels.astype(np.uint64)), _FORM)


def _given(facts: pa.Table, name: str, value: str) -> Int64s:
    return np.array([found == value for found in facts.column(name).to_pylist()], np.int64)


def _hashes(facts: pa.Table, name: str) -> UInt64s:
    """Returns the hash of each value, 0 where there is none."""
    values = facts.column(name).to_pylist()
    return np.where(np.array([value is not None for value in values]), hash_strings([value or "" for value in values]), np.uint64(0))


def _is_straight(answers: list[tuple[str, float]] | None) -> bool:
    return answers is not None and len(answers) >= FEWEST_STRAIGHT and len({value for _, value in answers}) == 1
