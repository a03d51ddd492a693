"""Real ratings as events: reviews of a marketplace, and trust ratings with known fraudulent raters.

Gaming is done to them by the same injectors as in simulated companies, as far as the columns allow: what needs a field that the ratings do not have
is left out, and what an injector would add beside (a comment where there are none) is taken off again.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from benchmarks.integrity.companies import deal
from benchmarks.integrity.events import Event, Fields, decode, is_submission, text_of
from benchmarks.integrity.injectors import INJECTORS, Injector
from benchmarks.integrity.injectors.protocol import hashed
from benchmarks.integrity.judging import judge
from benchmarks.integrity.rivals.midas import score
from benchmarks.integrity.trials import Treatment, Trial, try_out
from schemas.catalog import Catalog, load_catalog
from schemas.enums import Channel, FeedbackType, Metric, Topic
from streams.files import FileRecord
from streams.importing import import_events, load_mapping

ROOT = Path(__file__).resolve().parents[2]
POOLS = 12
"""Units that raters or sellers are pooled into: alone most of them get less than an answer a month."""
PLAN_POOLS = 5
SINGLES = 3
"""Pools that something is done to by itself in one trial; or else those of one plan or ring."""
BEGINS = (0.35, 0.6)
"""Treatments begin between these shares of a pool's answers."""
STEPS = ((-5, 1), (0, 2), (2, 3), (5, 4))
"""REV2: trust below the first number is the second on a scale of 1 to 5; 5 or more is 5. Most ratings are 1, the least trust that is any."""


@dataclass(frozen=True, slots=True)
class Ratings:
    """A stream of real ratings."""

    name: str
    records: list[FileRecord]
    catalog: Catalog
    fields: frozenset[str]
    """Fields that any of its events has."""

    def allows(self, injector: Injector) -> bool:
        """Whether the injector can be used on it."""
        return injector.needs <= self.fields


def _ratings(name: str, records: list[FileRecord], catalog: Catalog) -> Ratings:
    events = (event for event in map(decode, records) if event is not None)
    return Ratings(name, records, catalog, frozenset(field for event in events for field in event.fields))


def olist(folder: Path) -> Ratings:
    """Reviews, invitations and payments of the marketplace, by the mapping that is shipped as an example."""
    example = ROOT / "examples" / "olist"
    catalog = load_catalog(example / "catalog.yaml")
    return _ratings("Olist", import_events(load_mapping(example / "mapping.yaml"), folder, catalog).records, catalog)


def rev2(name: str, network: Path) -> Ratings:
    """Trust ratings: the rater is the account, the rated the unit."""
    with network.open(encoding="utf-8", newline="") as lines:
        rows = sorted((float(at), rater, rated, int(float(trust))) for rater, rated, trust, at in csv.reader(lines))
    return _ratings(name, [_rating(number, *row) for number, row in enumerate(rows)], Catalog())


def _rating(number: int, at: float, rater: str, rated: str, trust: int) -> FileRecord:
    fields: Fields = {
        "event_id": f"e-{number}", "event_type": FeedbackType.SUBMITTED.value, "occurred_at": text_of(datetime.fromtimestamp(at, UTC)),
        "account_id": f"rater-{rater}", "unit_id": f"rated-{rated}", "channel": Channel.WEB.value, "response_id": f"r-{number}",
        "survey_id": "trust", "metric": Metric.CSAT.value, "score": step_of(trust),
    }  # fmt: skip
    return Event(Topic.FEEDBACK, round(at * 1000), fields).to_record()


def step_of(trust: int) -> int:
    """A rating of -10 to 10 on a scale of 1 to 5."""
    return next((step for below, step in STEPS if trust < below), 5)


def pooled(ratings: Ratings, salt: int, pools: int = POOLS) -> tuple[list[FileRecord], Catalog, list[str]]:
    """The same ratings of fewer, larger units, made by a hash of their ids and ``salt``; plans pay the pools in fives."""
    names = [f"pool-{number:02d}" for number in range(pools)]
    records = []
    for record in ratings.records:
        event = decode(record)
        if event is not None and "unit_id" in event.fields:
            records.append(event.changed(unit_id=names[int(hashed(salt, event.fields["unit_id"]), 16) % pools]).to_record())
        else:
            records.append(record)
    groups = [names[place : place + PLAN_POOLS] for place in range(0, pools - PLAN_POOLS + 1, PLAN_POOLS)]
    plans = [{"plan_id": f"plan-{number}", "units": group, "period": "month"} for number, group in enumerate(groups)]
    return records, Catalog.model_validate(ratings.catalog.model_dump() | {"incentive_plans": plans}), names


def run(ratings: Ratings, seeds: Sequence[int]) -> Iterator[Trial]:
    """One trial for each seed; every third treats pools together."""
    possible = [injector for injector in INJECTORS if ratings.allows(injector)]
    alone, together = (deal(len(seeds), seeds[0], [one for one in possible if (one.units == 1) == single], SINGLES) for single in (True, False))
    for turn, seed in enumerate(seeds):
        records, catalog, names = pooled(ratings, seed)
        treatments = _assign(records, catalog, names, next(together if turn % 3 == 2 else alone), seed)
        yield try_out(records, catalog, names, treatments, seed, ratings.fields)


def _assign(
    records: Iterable[FileRecord], catalog: Catalog, names: Sequence[str], dealt: Sequence[tuple[Injector, float]], seed: int
) -> list[Treatment]:
    random = np.random.default_rng([seed, 13])
    days: dict[str, list[date]] = defaultdict(list)
    for event in filter(None, map(decode, records)):
        if is_submission(event):
            days[event.fields["unit_id"]].append(event.at.date())
    free = [names[place] for place in random.permutation(len(names))]
    treatments = []
    for injector, strength in dealt:
        chosen = tuple(catalog.incentive_plans[0].units) if injector.in_plan else tuple(free[: injector.units])
        free = [name for name in free if name not in chosen]
        mine = sorted(day for unit in chosen for day in days[unit])
        began = mine[0] if injector.from_first_day else mine[int(random.uniform(*BEGINS) * len(mine))]
        treatments.append(Treatment(injector, strength, chosen, began))
    return treatments


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well a number tells fraudulent raters from honest ones."""

    data: str
    judge: str
    fraudulent: int
    honest: int
    area: float
    """Under the ROC curve; 0.5 is chance."""
    precision: float
    """Average precision; the share of fraudulent ones is chance."""


def rank_raters(ratings: Ratings, truth: Path) -> list[Ranking]:
    """Labelled raters, ranked by the signs that Candor saw on their ratings, and by two rivals that look at what raters give."""
    with truth.open(encoding="utf-8", newline="") as lines:
        labels = {f"rater-{rater}": int(label) < 0 for rater, label in csv.reader(lines)}
    events = [event for event in map(decode, ratings.records) if event is not None]
    raters = {event.fields["account_id"] for event in events}
    labelled = {rater: fraudulent for rater, fraudulent in labels.items() if rater in raters}
    judges: dict[str, Mapping[str, float]] = {
        "Candor: signs on the rater's answers": judge(ratings.records, ratings.catalog).signs,
        "MIDAS: the rater's worst day": _bursts(events),
        "mean distance from what others gave": _distances(events),
    }
    return [_ranking(ratings.name, name, labelled, scores) for name, scores in judges.items()]


def _ranking(data: str, name: str, labels: Mapping[str, bool], scores: Mapping[str, float]) -> Ranking:
    area, precision = ranked(list(labels.values()), [scores.get(rater, 0.0) for rater in labels])
    return Ranking(data, name, sum(labels.values()), len(labels) - sum(labels.values()), area, precision)


def ranked(positive: Sequence[bool], scores: Sequence[float]) -> tuple[float, float]:
    """Area under the ROC curve and average precision."""
    from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: PLC0415  # slow to import, and most of the bench does without

    return float(roc_auc_score(positive, scores)), float(average_precision_score(positive, scores))


def _bursts(events: Sequence[Event]) -> Mapping[str, float]:
    """MIDAS of each rater as a node: the greatest score of any of its days."""
    first = min(event.at.date() for event in events)
    totals: dict[str, int] = defaultdict(int)
    today: dict[tuple[str, date], int] = defaultdict(int)
    found: dict[str, float] = defaultdict(float)
    for event in events:
        rater, day = event.fields["account_id"], event.at.date()
        totals[rater] += 1
        today[rater, day] += 1
        found[rater] = max(found[rater], score(today[rater, day], totals[rater], (day - first).days + 1))
    return found


def _distances(events: Sequence[Event]) -> Mapping[str, float]:
    """Mean distance of a rater's scores from the mean of the other scores that the rated got, before and after."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for event in events:
        of_unit = sums[event.fields["unit_id"]]
        of_unit[0] += event.fields["score"]
        of_unit[1] += 1
    distances: dict[str, list[float]] = defaultdict(list)
    for event in events:
        total, n = sums[event.fields["unit_id"]]
        if n > 1:
            distances[event.fields["account_id"]].append(abs(event.fields["score"] - (total - event.fields["score"]) / (n - 1)))
    return {rater: float(np.mean(apart)) for rater, apart in distances.items()}
