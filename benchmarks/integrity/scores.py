"""What a score is with gaming, without it, and after cleaning. All counted here from events, with none of the product's own arithmetic."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from benchmarks.integrity.events import Event, is_submission, scale_of
from schemas.enums import FeedbackType, Metric, Topic


class Answer(NamedTuple):
    """The newest revision of an answer that was not withdrawn."""

    unit: str
    metric: str
    day: date
    revision: int
    direction: int
    """1: promoter, 0: passive, -1: detractor; of other metrics than nps: top of the scale, between, at most the middle of it."""


@dataclass(frozen=True, slots=True)
class Bias:
    """Differences from the true score, in points from -200 to 200, over the time from the beginning of a treatment on."""

    answers: int
    raw: float
    """As if nothing were flagged."""
    excluded: float
    """Without the flagged answers."""
    mid: float
    """Flagged promoters as passives."""
    low: float
    """Every flagged answer as a detractor."""


def answers_of(events: Iterable[Event]) -> dict[str, Answer]:
    """Answers by response id; synthetic ones are left out. The day is that of the first revision seen, in UTC."""
    found: dict[str, Answer] = {}
    withdrawn = set()
    for event in events:
        if event.topic is not Topic.FEEDBACK or event.fields.get("synthetic"):
            continue
        if event.type == FeedbackType.WITHDRAWN:
            withdrawn.add(event.fields["response_id"])
        elif is_submission(event):
            fields = event.fields
            name, revision = fields["response_id"], fields.get("revision", 1)
            known = found.get(name)
            if known is None or revision > known.revision:
                day = event.at.date() if known is None else known.day
                found[name] = Answer(fields["unit_id"], fields["metric"], day, revision, _direction(event))
    return {name: answer for name, answer in found.items() if name not in withdrawn}


def _direction(event: Event) -> int:
    score, (lowest, highest) = event.fields["score"], scale_of(event.fields)
    if event.fields["metric"] == Metric.NPS:
        share = (score - lowest) / (highest - lowest)
        return int(share >= 0.9) - int(share < 0.7)
    return int(score == highest) - int(score <= (lowest + highest) / 2)


def net_score(directions: Collection[int]) -> float:
    """Share of promoters less share of detractors, times 100."""
    return 100 * sum(directions) / len(directions)


def bias_of(truth: Mapping[str, Answer], now: Mapping[str, Answer], flagged: Collection[str]) -> Bias | None:
    """How far the scores of ``now`` are from that of ``truth``: of nps alone where there is any, else of all; None where a side is empty."""
    metric = {Metric.NPS.value} if any(answer.metric == Metric.NPS for answer in now.values()) else {answer.metric for answer in now.values()}
    true = [answer.direction for answer in truth.values() if answer.metric in metric]
    given = [(answer.direction, name in flagged) for name, answer in now.items() if answer.metric in metric]
    kept = [direction for direction, doubtful in given if not doubtful]
    if not true or not kept:
        return None
    level = net_score(true)
    return Bias(
        answers=len(given),
        raw=net_score([direction for direction, _ in given]) - level,
        excluded=net_score(kept) - level,
        mid=net_score([min(direction, 0) if doubtful else direction for direction, doubtful in given]) - level,
        low=net_score([-1 if doubtful else direction for direction, doubtful in given]) - level,
    )
