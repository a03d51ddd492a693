"""The columns that need reading or checking beyond their type, and which events of a batch fail a check."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.enums import FeedbackType, Metric, Topic
from schemas.events import EVENTS
from schemas.events.fields import Kind
from schemas.events.values import EARLIEST_MICROSECONDS, LARGEST_INTEGER, LATEST_MICROSECONDS
from streams.core.batch import Bools, Floats, Int64s
from streams.core.decoding.amounts import convert, parse_money
from streams.core.decoding.examine import is_currency
from streams.core.decoding.reading import Batch
from streams.core.decoding.scales import scales
from streams.core.decoding.structs import structs_of
from streams.core.decoding.times import DAY_MICROSECONDS, parse_instants

_WITHDRAWN = list(FeedbackType).index(FeedbackType.WITHDRAWN)
_FARTHEST_MILLISECONDS = 9_000_000_000_000_000
"""Farther timestamps would not fit 64 bits in microseconds; they are refused in any case."""


@dataclass(slots=True)
class Money:
    """A column of money in ten-thousandths, as given and in the base currency, and which rows have each."""

    amounts: Int64s
    given: Bools
    base: Int64s
    base_given: Bools

    def keep(self, kept: Bools) -> "Money":
        """The rows that stay."""
        return Money(self.amounts[kept], self.given[kept], self.base[kept], self.base_given[kept])


@dataclass(slots=True)
class Lines:
    """The product lines of a batch, flat."""

    structs: list[Any]
    lengths: list[int]
    event: Int64s
    amounts: Int64s
    given: Bools

    def keep(self, kept: Bools) -> "Lines":
        """The lines of the events that stay, which get new numbers."""
        of_kept = kept[self.event]
        return Lines(
            list(compress(self.structs, of_kept.tolist())),
            list(compress(self.lengths, kept.tolist())),
            (np.cumsum(kept) - 1)[self.event[of_kept]],
            self.amounts[of_kept],
            self.given[of_kept],
        )


@dataclass(slots=True)
class Scores:
    """Scores of feedback on their scales; NaN on withdrawals."""

    metric: npt.NDArray[np.int8]
    score: Floats
    lowest: Floats
    highest: Floats
    withdrawn: Bools

    def keep(self, kept: Bools) -> "Scores":
        """The rows that stay."""
        return Scores(self.metric[kept], self.score[kept], self.lowest[kept], self.highest[kept], self.withdrawn[kept])


@dataclass(slots=True)
class Parsed:
    """What was read; ``suspect`` events must be examined singly before anything is built from them."""

    suspect: Bools
    account_id: list[str]
    event_type: npt.NDArray[np.int8]
    instants: dict[str, tuple[Int64s, Bools | None]] = field(default_factory=dict)
    money: dict[str, Money] = field(default_factory=dict)
    lines: Lines | None = None
    scores: Scores | None = None

    def keep(self, batch: Batch, kept: Bools) -> None:
        """Leave out the rows that do not stay, which the batch has left out already."""
        self.suspect = self.suspect[kept]
        self.account_id = batch.columns["account_id"]
        self.event_type = self.event_type[kept]
        self.instants = {name: (times[kept], None if given is None else given[kept]) for name, (times, given) in self.instants.items()}
        self.money = {name: money.keep(kept) for name, money in self.money.items()}
        self.lines = None if self.lines is None else self.lines.keep(kept)
        self.scores = None if self.scores is None else self.scores.keep(kept)


def codes(values: Sequence[str | None], members: Sequence[str], absent: int = -1) -> npt.NDArray[np.int8]:
    """Index of each value among the members; ``absent`` for None."""
    numbers: dict[str | None, int] = {str(member): number for number, member in enumerate(members)}
    numbers[None] = absent
    return np.fromiter(map(numbers.__getitem__, values), np.int8, len(values))


def floats(values: Sequence[float | None]) -> Floats:
    """Numbers; NaN for None."""
    column: Floats = pa.array(values, pa.float64()).to_numpy(zero_copy_only=False)
    return column


def parse(batch: Batch) -> Parsed:
    """The columns of a batch that need reading, each checked."""
    count = len(batch)
    parsed = Parsed(np.zeros(count, np.bool_), batch.columns["account_id"], codes(batch.columns["event_type"], tuple(EVENTS[batch.topic])))
    records = batch.records
    selected = records if len(records) == count else [records[index] for index in batch.index]
    parsed.suspect |= _mismatched([record.key for record in selected], parsed.account_id)
    timestamps = np.fromiter([record.timestamp for record in selected], np.int64, count)
    _make_whole(batch, parsed.suspect)
    _parse_instants(batch, parsed, np.clip(timestamps, -_FARTHEST_MILLISECONDS, _FARTHEST_MILLISECONDS) * 1_000)
    kinds = {rule.shape.kind for rule in structs_of(batch.topic).rules.values()}
    if Kind.LINES in kinds:
        parsed.lines = _parse_lines(batch, parsed.suspect)
    if Kind.CURRENCY in kinds:
        _parse_money(batch, parsed)
    if batch.topic is Topic.FEEDBACK:
        parsed.scores = _parse_scores(batch, parsed)
    if batch.topic is Topic.OUTCOMES:
        parsed.suspect |= floats(batch.columns["target"]) == floats(batch.columns["baseline"])
    return parsed


def _mismatched(keys: list[bytes | None], account_ids: list[str]) -> Bools:
    wanted = "\0".join(account_ids).encode()
    try:
        if b"\0".join(keys) == wanted and wanted.count(b"\0") == len(keys) - 1:  # type: ignore[arg-type]  # a missing key is the TypeError
            return np.zeros(len(keys), np.bool_)
    except TypeError:
        pass
    return np.array([key != account_id.encode() for key, account_id in zip(keys, account_ids, strict=True)], np.bool_)


def _make_whole(batch: Batch, suspect: Bools) -> None:
    """Whole numbers that are written 2.0 become integers."""
    for name, rule in structs_of(batch.topic).rules.items():
        values = batch.columns[name]
        if rule.shape.kind is not Kind.INTEGER or float not in set(map(type, values)):
            continue
        least, most = rule.shape.least or 0, rule.shape.most or LARGEST_INTEGER
        for row, value in enumerate(values):
            if type(value) is float:
                values[row] = int(value) if value.is_integer() and least <= value <= most else None
                suspect[row] |= values[row] is None


def _parse_instants(batch: Batch, parsed: Parsed, timestamps: Int64s) -> None:
    for name, rule in structs_of(batch.topic).rules.items():
        if rule.shape.kind is not Kind.INSTANT:
            continue
        texts = batch.columns[name]
        absent = texts.count(None)
        if absent == len(texts):
            parsed.instants[name] = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
            continue
        instants, readable = parse_instants(texts)
        given = np.array([text is not None for text in texts], np.bool_) if absent else None
        parsed.suspect |= ~readable if given is None else given & ~readable
        parsed.instants[name] = instants, given
    received, given = parsed.instants["received_at"]
    if given is not None:
        received = np.where(given, received, timestamps)
        parsed.suspect |= (received < EARLIEST_MICROSECONDS) | (received > LATEST_MICROSECONDS)
        parsed.instants["received_at"] = received, None
    parsed.suspect |= parsed.instants["occurred_at"][0] > timestamps + DAY_MICROSECONDS


def _parse_lines(batch: Batch, suspect: Bools) -> Lines:
    products = batch.columns["products"]
    structs = [line for lines in products if lines for line in lines]
    lengths = [len(lines) if lines else 0 for lines in products]
    event = np.repeat(np.arange(len(products)), lengths)
    amounts, given, usable = parse_money([line.amount for line in structs])
    suspect[event[given & ~usable]] = True
    return Lines(structs, lengths, event, amounts, given)


def _parse_money(batch: Batch, parsed: Parsed) -> None:
    currencies = batch.columns["currency"]
    rates = batch.catalog.rates
    known = {currency for currency in set(currencies) if currency is None or (currency in rates and is_currency(currency))}
    if len(known) < len(set(currencies)):
        parsed.suspect |= np.array([currency not in known for currency in currencies], np.bool_)
    foreign = [currency for currency in known if currency is not None and rates[currency] != 1]
    rows = {currency: np.array([found == currency for found in currencies], np.bool_) for currency in foreign}
    # An outcome may leave its currency out: its amounts then have no base amount.
    unsaid = np.array([currency is None for currency in currencies], np.bool_) if None in known else None
    for name, rule in structs_of(batch.topic).rules.items():
        if rule.shape.kind is not Kind.MONEY:
            continue
        amounts, given, usable = parse_money(batch.columns[name])
        parsed.suspect |= given & ~usable
        base = amounts.copy() if foreign else amounts
        for currency, mask in rows.items():
            base[mask], held = convert(amounts[mask], rates[currency])
            parsed.suspect[mask] |= ~held
        parsed.money[name] = Money(amounts, given, base, given if unsaid is None else given & ~unsaid)


def _parse_scores(batch: Batch, parsed: Parsed) -> Scores:
    metric = codes(batch.columns["metric"], tuple(Metric))
    score = floats(batch.columns["score"])
    lowest, highest = scales(metric, floats(batch.columns["scale_min"]), floats(batch.columns["scale_max"]))
    withdrawn = parsed.event_type == _WITHDRAWN
    expected = floats(batch.columns["expected_score"])
    # Comparisons with NaN are false, so a submission without score is suspect as well.
    parsed.suspect |= ~withdrawn & ~((metric >= 0) & (lowest < highest) & (score >= lowest) & (score <= highest))
    parsed.suspect |= (expected < lowest) | (expected > highest)
    competitors = batch.columns["competitor_scores"]
    for row in [row for row, scores in enumerate(competitors) if scores]:
        if min(competitors[row]) < lowest[row] or max(competitors[row]) > highest[row]:
            parsed.suspect[row] = True
    return Scores(metric, score, lowest, highest, withdrawn)
