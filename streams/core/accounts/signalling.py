"""What a flush tells the units stage: answers that began or ceased to count, chances to be answered, and what the whole fleet did."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from schemas.begging import Lexicon
from streams.core.accounts.answering import Answering, Told
from streams.core.accounts.chances import Chances
from streams.core.accounts.plans_told import PlansTold
from streams.core.accounts.praising import NUMBERS as PRAISE_NUMBERS
from streams.core.accounts.resting import Resting
from streams.core.accounts.state import AccountsState
from streams.core.accounts.sums import Sums, signed
from streams.core.batch import Int64s
from streams.core.hashing import hash_strings
from streams.core.ordering import distinct
from streams.core.signals import MOST_ANSWERS, MOST_NUMBERS, NOT_YET, FleetSignals, Flows, NewUnits, PraiseDays, Sign, Strata, UnitSignals


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
        self.answering = Answering(lexicons)
        self.chances = Chances()
        self._group_of = group_of
        self._plans = PlansTold(plans)
        self._local_days = local_days

    def take(self, state: AccountsState, partition: int, resting: Resting) -> Iterator[UnitSignals | FleetSignals]:
        """Yields the signals since the last time, once: those of each unit, then those for everybody, of which the last tells the clock.

        What the state remembers of it is changed by this, so the checkpoint comes after it.
        """
        told = self.answering.take(state.praised_purchases)
        praise = _praise_days([*told.praise, self.chances.take_refunds(state)])
        (of_flows, days), numbers = self.chances.take_flows(state)
        flows = Flows(days, *numbers)
        order = np.argsort(told.unit, kind="stable")
        of_answers, answers = told.unit[order], told.answers.take(order)
        units = distinct(np.concatenate([of_answers, of_flows]))
        names = state.units.unit_id[units].tolist()
        spans = [_spans(of, units) for of in (of_answers, of_flows)]
        for name, (first_answer, last_answer), (first_flow, last_flow) in zip(names, *spans, strict=True):
            for at in range(0, max(last_answer - first_answer, last_flow - first_flow), MOST_ANSWERS):
                some_answers = slice(first_answer + at, min(first_answer + at + MOST_ANSWERS, last_answer))
                some_flows = slice(first_flow + at, min(first_flow + at + MOST_ANSWERS, last_flow))
                yield UnitSignals(name, answers.take(some_answers), flows.take(some_flows))
        first_days = np.full(len(units), np.iinfo(np.int64).max)
        for of, day in ((of_answers, answers.day), (of_flows, flows.day)):
            np.minimum.at(first_days, np.searchsorted(units, of), day)
        new_units = NewUnits(hash_strings(names), first_days)
        yield from self._fleet(state, partition, resting, (new_units, told, praise))

    def _fleet(
        self, state: AccountsState, partition: int, resting: Resting, of_all: tuple[NewUnits, Told, PraiseDays]
    ) -> Iterator[UnitSignals | FleetSignals]:
        new_units, told, praise = of_all
        cells, answered = _answered(told)
        answering, of_cell = np.unique(cells[0], return_inverse=True)
        names = state.units.unit_id[answering].tolist()
        of_groups = Sums(4, 2)
        of_groups.add((cells[1], signed(np.array([self._group_of(name) for name in names], np.uint64))[of_cell], cells[2], cells[3]), answered)
        (day, group, metric, channel), of_stratum = of_groups.take()
        plans = self._plans.take([names[i] for i in of_cell.tolist()], cells[1], answered, told.submissions)
        strata = Strata(day, group.view(np.uint64), metric, channel, *of_stratum)
        reached = resting.tell(state.watermarks)
        clock = NOT_YET if reached.instant is None else int(self._local_days(np.array([reached.instant]))[0])
        rest = max(map(len, (new_units, strata, told.paces, plans, praise)))
        for at in range(0, max(rest, 1), MOST_NUMBERS):
            is_last = at + MOST_NUMBERS >= rest
            part = slice(at, at + MOST_NUMBERS)
            yield FleetSignals(
                partition,
                clock if is_last and reached.is_news else None,
                is_last and reached.caught_up,
                new_units.take(part),
                strata.take(part),
                told.paces.take(part),
                plans.take(part),
                praise.take(part),
            )


def _answered(told: Told) -> tuple[Int64s, Int64s]:
    """Returns units, days, metrics and channels (first axis), and the difference of their answers and top scores."""
    answers = told.answers
    difference = np.where(answers.signs & Sign.COUNTED != 0, 1, -1)
    sums = Sums(4, 2)
    sums.add((told.unit, answers.day, answers.metric, answers.channel), (difference, difference * told.top_box))
    return sums.take()


def _praise_days(differences: Sequence[Mapping[int, Int64s]]) -> PraiseDays:
    days: dict[int, Int64s] = defaultdict(lambda: np.zeros(len(PRAISE_NUMBERS), np.int64))
    for difference in differences:
        for day, numbers in difference.items():
            days[day] += numbers
    told = {day: numbers for day, numbers in days.items() if numbers.any()}
    return PraiseDays(list(told), *np.array(list(told.values()), np.int64).reshape(-1, len(PRAISE_NUMBERS)).T)


def _spans(of: Int64s, units: Int64s) -> list[tuple[int, int]]:
    """Returns where what is of each unit begins and ends; ``of`` is ascending."""
    return list(zip(np.searchsorted(of, units).tolist(), np.searchsorted(of, units, side="right").tolist(), strict=True))
