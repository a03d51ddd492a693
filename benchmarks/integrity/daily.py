"""A stream as rivals are shown it: answers with what can be said of each by itself, and numbers per unit and day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from benchmarks.integrity.events import Event, decode, is_submission, scale_of
from schemas.enums import OF_MANY_CUSTOMERS, InvitationType, Topic, TransactionType
from streams.core.batch import Bools, Floats, Int64s
from streams.files import FileRecord

LOOK_BACK = 30
"""Days in which a device or comment counts as repeated."""
_LONG_COMMENT = 20


@dataclass(frozen=True, slots=True)
class Daily:
    """Answers in order of time, each once, first revisions; days are those of UTC since ``start``."""

    units: list[str]
    start: date
    days: int
    unit: Int64s
    day: Int64s
    top: Bools
    share: Floats
    """Score, 0 at the lowest end of the scale and 1 at the highest."""
    source: Int64s
    """Number of the device, of the account where no device is told; -1 where one is that of many customers."""
    device_repeated: Bools
    """Another account answered for the unit from the same device lately."""
    comment_repeated: Bools
    """Another account used the very same words at the unit lately."""
    duration: Floats
    """Milliseconds; NaN: not told."""
    asked: Floats
    """Invitations sent, units by days."""
    sold: Floats
    """Purchases, units by days."""

    def per_day(self, weights: Floats | Bools | None = None) -> Floats:
        """Answers, or the sum of the weights over them: units by days."""
        cells = self.unit * self.days + self.day
        summed = np.bincount(cells, None if weights is None else np.asarray(weights, np.float64), len(self.units) * self.days)
        return np.asarray(summed, np.float64).reshape(len(self.units), self.days)


def watch(records: Iterable[FileRecord], units: Sequence[str]) -> Daily:
    """What rivals are shown of a stream."""
    known = {unit: number for number, unit in enumerate(units)}
    answers: dict[str, Event] = {}
    flows: list[tuple[int, int, bool]] = []
    for event in filter(None, map(decode, records)):
        if event.fields.get("synthetic") or event.fields.get("unit_id") not in known:
            continue
        if is_submission(event) and event.fields.get("revision", 1) == 1:
            answers.setdefault(event.fields["response_id"], event)
        elif event.topic is not Topic.FEEDBACK and event.type in (InvitationType.SENT, TransactionType.COMPLETED):
            flows.append((known[event.fields["unit_id"]], event.at.date().toordinal(), event.topic is Topic.INVITATIONS))
    ordered = sorted(answers.values(), key=lambda event: event.at)
    ordinals = [event.at.date().toordinal() for event in ordered]
    first, last = min(ordinals), max(ordinals)
    devices, comments = _repeated(ordered, ordinals)
    asked, sold = (_flows(flows, len(units), first, last, invitations) for invitations in (True, False))
    numbers: dict[str, int] = {}
    return Daily(
        units=list(units),
        start=date.fromordinal(first),
        days=last - first + 1,
        unit=np.array([known[event.fields["unit_id"]] for event in ordered], np.int64),
        day=np.array(ordinals, np.int64) - first,
        top=np.array([event.fields["score"] == scale_of(event.fields)[1] for event in ordered], np.bool_),
        share=np.array([_share(event) for event in ordered]),
        source=np.array([_source(event, numbers) for event in ordered], np.int64),
        device_repeated=devices,
        comment_repeated=comments,
        duration=np.array([event.fields.get("duration_ms", np.nan) for event in ordered], np.float64),
        asked=asked,
        sold=sold,
    )


def _share(event: Event) -> float:
    lowest, highest = scale_of(event.fields)
    return float((event.fields["score"] - lowest) / (highest - lowest))


def _source(event: Event, numbers: dict[str, int]) -> int:
    if event.fields["channel"] in OF_MANY_CUSTOMERS:
        return -1
    return numbers.setdefault(event.fields.get("device_hash") or event.fields["account_id"], len(numbers))


def _flows(flows: Sequence[tuple[int, int, bool]], units: int, first: int, last: int, invitations: bool) -> Floats:
    counted = np.zeros((units, last - first + 1))
    for unit, day, invitation in flows:
        if invitation == invitations and first <= day <= last:
            counted[unit, day - first] += 1
    return counted


def _repeated(ordered: Sequence[Event], ordinals: Sequence[int]) -> tuple[Bools, Bools]:
    found = np.zeros((2, len(ordered)), np.bool_)
    seen: dict[tuple[str, str], dict[str, int]] = {}
    for place, (event, day) in enumerate(zip(ordered, ordinals, strict=True)):
        comment = event.fields.get("comment") or ""
        device = event.fields.get("device_hash") if event.fields["channel"] not in OF_MANY_CUSTOMERS else None
        for which, thing in enumerate((device, comment if len(comment) >= _LONG_COMMENT else None)):
            if thing:
                users = seen.setdefault((event.fields["unit_id"], f"{which}{thing}"), {})
                account = event.fields["account_id"]
                found[which, place] = any(other != account and day - used <= LOOK_BACK for other, used in users.items())
                users[account] = day
    return found[0], found[1]
