"""A whole stream, from a seed: what several accounts do, in order of arrival, with copies, bad records and the order of a network."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.chaos.bad import Sent, bad_record, exactly
from tests.chaos.life import Draft, Life
from tests.chaos.wire import any_bytes, as_cloudevent, milliseconds, partition_of, plain_time
from tests.oracle.records import Catalog, Record

BERLIN = Catalog(
    "Europe/Berlin", "EUR", {"USD": Decimal("0.91"), "BRL": Decimal("0.1637"), "JPY": Decimal("0.00615")}, frozenset({"coffee", "filter"})
)
SAO_PAULO = Catalog("America/Sao_Paulo", "BRL", {"EUR": Decimal("4.2345"), "USD": Decimal("3.7"), "JPY": Decimal("0.0333")}, frozenset({"coffee"}))
STARTS = {
    "Europe/Berlin": datetime(2026, 3, 1, tzinfo=UTC),  # daylight saving starts on the 29th
    "America/Sao_Paulo": datetime(2018, 10, 15, tzinfo=UTC),  # on 4 November midnight did not exist
}


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How large and how hostile a stream is; shares are of its good events."""

    events: int = 2_000
    accounts: int = 60
    units: int = 12
    days: int = 34
    """Span of ``occurred_at``; within the dedupe horizon of 35 days the stream can be sent again and changes nothing."""
    partitions: int = 4
    catalog: Catalog = BERLIN
    copies: float = 0.12
    bad: float = 0.08
    shuffled: bool = False
    """Whether the order of arrival has nothing to do with the order of events."""
    stuffed: int = 0
    """Ballots that are stuffed at the first unit, all from one device and with the same words."""
    large: bool = False
    """Whether to add one record of exactly 1 MiB and one that is a byte longer."""


def account_ids(count: int) -> list[str]:
    """Names of accounts: plain, of other scripts, with blanks, as long as an id can be."""
    special = ["konto ü/1", "客户-3", "🙂" * 128, "x" * 128, "a\tb\n", "'; drop --"]
    return [special[i] if i < len(special) and count > len(special) else f"a-{i}" for i in range(count)]


def generate(seed: int, options: StreamOptions) -> list[Record]:
    """The stream, in order of arrival; equal seeds and options give equal streams."""
    rng = random.Random(seed)
    start = STARTS[options.catalog.timezone]
    units = [f"u-{i}" for i in range(options.units - 1)] + ["Filiale Süd"]
    sent: list[tuple[float, Sent]] = []
    for account_id in account_ids(options.accounts):
        life = Life(rng, account_id, units, start, start + timedelta(days=options.days))
        for draft in life.events(max(1, round(options.events / options.accounts * rng.uniform(0.3, 1.7)))):
            sent += _arrivals(rng, draft, options)
    for draft in _stuffed(rng, units[0], start, options):
        sent += _arrivals(rng, draft, options)
    if options.large:
        sent += _large(rng, start)
    sent.sort(key=lambda arrival: arrival[0])
    if options.shuffled:
        rng.shuffle(sent)
    return placed([record for _, record in sent], options.partitions, rng)


def placed(sent: list[Sent], partitions: int, rng: random.Random) -> list[Record]:
    """Records with the partition of their key (any partition where there is no key) and the next offset in it."""
    offsets: Counter[tuple[str, int]] = Counter()
    records = []
    for one in sent:
        partition = rng.randrange(partitions) if one.key is None else partition_of(one.key, partitions)
        offset = offsets[one.topic, partition]
        offsets[one.topic, partition] += 1
        records.append(Record(one.topic, partition, offset, one.timestamp_ms, one.key, one.value, one.headers))
    return records


def again(records: list[Record]) -> list[Record]:
    """The same records once more, after themselves."""
    ends = Counter((record.topic, record.partition) for record in records)
    return records + [replace(record, offset=record.offset + ends[record.topic, record.partition]) for record in records]


def _arrivals(rng: random.Random, draft: Draft, options: StreamOptions) -> list[tuple[float, Sent]]:
    """The event, perhaps a copy, perhaps a bad version of it, each with its place in the order of arrival."""
    at = (draft.occurred_at + draft.delay).timestamp()
    arrivals = [(at, _good(rng, draft))]
    if rng.random() < options.copies:
        copy = Draft(draft.topic, dict(draft.fields), draft.occurred_at, draft.delay)
        if rng.random() < 0.5:
            copy.fields["event_id"] = f"copy-{draft.fields['event_id']}"[:128]
            copy.fields["received_at"] = plain_time(draft.occurred_at + draft.delay)
        # Some copies arrive right behind, some long after, some before the "original".
        later = [0.0, 0.001, 3_600.0, 86_400.0 * 5 * rng.random(), -1_800.0]
        if options.days > 35:
            later += [86_400.0 * 34, 86_400.0 * 37, 86_400.0 * 500 * rng.random()]
        arrivals.append((at + rng.choice(later), _good(rng, copy)))
    if rng.random() < options.bad:
        arrivals.append((at + rng.uniform(-100, 100), bad_record(rng, draft)))
    return arrivals


def _good(rng: random.Random, draft: Draft) -> Sent:
    key = str(draft.fields["account_id"]).encode()
    timestamp_ms = milliseconds(draft.occurred_at + draft.delay)
    if rng.random() < 0.03:
        # Exactly 24 h ahead of its arrival, or as little less as milliseconds allow.
        timestamp_ms = -(-int((draft.occurred_at - timedelta(hours=24)).timestamp() * 1_000_000) // 1_000)
    if rng.random() < 0.1:
        value, headers = as_cloudevent(rng, draft.fields)
        return Sent(draft.topic, timestamp_ms, key, value, headers)
    headers = rng.choice([(), (), (("content-type", b"application/json"),), (("x", b"\xff\x00"),)])
    return Sent(draft.topic, timestamp_ms, key, any_bytes(rng, draft.fields), headers)


def _stuffed(rng: random.Random, unit_id: str, start: datetime, options: StreamOptions) -> Iterator[Draft]:
    words = "very friendly staff and a fast repair, we gladly come again with the whole family"
    for number in range(options.stuffed):
        life = Life(rng, f"ballot-{number}", [unit_id], start, start)
        occurred_at = start + timedelta(days=options.days * (0.3 + 0.4 * rng.random()))
        yield life.draft(
            "feedback", "response.submitted", occurred_at, unit_id=unit_id, channel="web", response_id=f"ballot-{number}", survey_id="s",
            metric="nps", score=10, comment=words, device_hash="one and the same",
        )  # fmt: skip


def _large(rng: random.Random, start: datetime) -> list[tuple[float, Sent]]:
    fields = {"event_id": "large", "event_type": "operation.observed", "occurred_at": plain_time(start), "account_id": "a-1"}
    fields |= {"observation_id": "large", "measure": "bytes"}
    sizes = (1_048_576, 1_048_577)
    return [
        (start.timestamp() + rng.random(), Sent("operations", milliseconds(start), b"a-1", exactly(size, {**fields, "value": 1, "unit_id": None})))
        for size in sizes
    ]


def sliced(stream: Sequence[Record], slices: int) -> list[Sequence[Record]]:
    """So many parts, in order."""
    size = -(-len(stream) // slices)
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def catalog_file(catalog: Catalog) -> dict[str, object]:
    """The catalog as workers read it."""
    return {
        "timezone": catalog.timezone,
        "base_currency": catalog.base_currency,
        "fx_rates": {currency: float(rate) for currency, rate in catalog.fx_rates.items()},
        "products": [{"product_id": product, "consumable": True} for product in sorted(catalog.consumable_products)],
        "incentive_plans": [{"plan_id": "bonus", "units": [f"u-{number}" for number in range(9)], "period": "month"}],
    }
