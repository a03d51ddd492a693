"""One row per thing: the fact views of contracts 7, with the columns as the data dictionary describes them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from tests.oracle import scores
from tests.oracle.accept import DeadLetter
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.validate import COMMON, SUBMITTED, TYPES, Event, Value, int_of, lines_of

Flags = Mapping[tuple[Value, Value, Value], Sequence[str]]
"""Detectors for whose findings a response is flagged, by account, response and unit."""
BLANK_WHEN_WITHDRAWN: Row = {
    "score": None,
    "score_mapped": None,
    "class": None,
    "top_box": None,
    "top_two_box": None,
    "answers": {},
    "expected_score": None,
    "competitor_scores": [],
    "comment": None,
}
LISTS: dict[str, Value] = {"answers": {}, "competitor_scores": [], "risk_flags": [], "offer_product_ids": [], "response_ids": []}


def local_day(instant: datetime, catalog: Catalog) -> date:
    """The local date of an instant in the catalog's timezone (R32)."""
    return instant.astimezone(ZoneInfo(catalog.timezone)).date()


def fact(event: Event, catalog: Catalog) -> Row:
    """The fields of an event as a row: absent lists are empty, everything else absent is None."""
    row: Row = {name: LISTS[name] if value is None and name in LISTS else value for name, value in event.fields.items()}
    for gone in ("schema_version", "products"):
        row.pop(gone, None)
    row["day"] = local_day(event.occurred_at, catalog)
    row["source_partition"], row["source_offset"] = event.record.partition, event.record.offset
    return row


def facts(events: Iterable[Event], topic: str, key: tuple[str, ...], catalog: Catalog) -> Rows:
    """The rows of a topic by account and ``key``; of two events that count for one key (the first was forgotten) the later one stands."""
    return {(event.account_id, *(event.fields[name] for name in key)): fact(event, catalog) for event in events if event.record.topic == topic}


def transactions(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Purchases and refunds by account and transaction, with their lines as parallel lists."""
    rows: Rows = {}
    for event in events:
        if event.record.topic == "transactions":
            lines = lines_of(event.fields)
            rows[event.account_id, event.fields["transaction_id"]] = {
                **fact(event, catalog),
                "product_ids": [line.product_id for line in lines],
                "product_quantities": [line.quantity for line in lines],
                "product_amounts": [line.amount for line in lines],
                "product_consumable": [line.consumable or line.product_id in catalog.consumable_products for line in lines],
            }
    return rows


@dataclass(frozen=True, slots=True)
class Response:
    """A response: the event that its row is made of (the highest revision, else a withdrawal), and whether it was withdrawn."""

    event: Event
    withdrawn: bool
    named_at: datetime
    """When the transaction that it names was first named, by this revision or by those before it that named the same."""

    @property
    def counted(self) -> bool:
        """Whether it counts anywhere: neither withdrawn nor test traffic (R11, R12)."""
        return not self.withdrawn and not self.event.synthetic


def newest_revisions(events: Iterable[Event]) -> dict[tuple[object, ...], Response]:
    """Each response by account and response_id; a withdrawal is final whenever it arrives, unless it is synthetic (R11, R12).

    Of a response that was never submitted a synthetic withdrawal is kept as a fact all the same (section 2).
    """
    submitted: dict[tuple[object, ...], Event] = {}
    named_at: dict[tuple[object, ...], datetime] = {}
    withdrawn: dict[tuple[object, ...], Event] = {}
    tested: dict[tuple[object, ...], Event] = {}
    for event in events:
        if event.record.topic != "feedback":
            continue
        key = (event.account_id, event.fields["response_id"])
        if event.event_type == "response.withdrawn":
            (tested if event.synthetic else withdrawn).setdefault(key, event)
        elif key not in submitted or int_of(event.fields["revision"]) > int_of(submitted[key].fields["revision"]):
            same = key in submitted and submitted[key].fields["transaction_id"] == event.fields["transaction_id"]
            named_at[key] = min(named_at[key], event.occurred_at) if same else event.occurred_at
            submitted[key] = event
    known = tested | withdrawn | submitted
    return {key: Response(event, key in withdrawn or key not in submitted, named_at.get(key, event.occurred_at)) for key, event in known.items()}


def responses(events: Iterable[Event], catalog: Catalog, flags: Flags) -> Rows:
    """Responses by account and response_id, wholly what the highest revision says, blanked where withdrawn (R12, R39)."""
    return {key: _response_row(response, catalog, flags) for key, response in newest_revisions(events).items()}


def flags_of(event: Event, flags: Flags) -> Sequence[str]:
    """The flags of the revision that an event submits; a withdrawal has none."""
    if event.event_type == "response.withdrawn":
        return ()
    return flags.get((event.account_id, event.fields["response_id"], event.fields["unit_id"]), ())


def _response_row(response: Response, catalog: Catalog, flags: Flags) -> Row:
    row = {name: LISTS.get(name, field.default) for name, field in (COMMON | SUBMITTED).items() if name != "schema_version"}
    row |= fact(response.event, catalog) | {"score_mapped": None, "class": None, "top_box": None, "top_two_box": None}
    if response.event.event_type == "response.withdrawn":
        row["revision"] = 0
    else:
        metric, score = str(row["metric"]), mapped_score(response.event)
        row["score_mapped"] = score
        row["class"] = scores.response_class(metric, score)
        row["top_box"], row["top_two_box"] = scores.top_box(metric, score), scores.top_two_box(metric, score)
    row["withdrawn"], row["flag_reasons"] = response.withdrawn, list(flags_of(response.event, flags))
    row["flagged"] = bool(row["flag_reasons"])
    return row | BLANK_WHEN_WITHDRAWN if response.withdrawn else row


def mapped_score(event: Event) -> Fraction:
    """The mapped score of a submission (R13)."""
    fields = event.fields
    return scores.mapped(str(fields["metric"]), fields["score"], fields["scale_min"], fields["scale_max"])


def dead_letters(letters: Iterable[DeadLetter]) -> Rows:
    """Dead letters by source topic, partition and offset, byte for byte."""
    return {
        (letter.record.topic, letter.record.partition, letter.record.offset): {
            "topic": letter.record.topic,
            "partition": letter.record.partition,
            "offset": letter.record.offset,
            "timestamp_ms": letter.record.timestamp_ms,
            "reason": letter.reason,
            "field": letter.field,
            "key": letter.record.key,
            "value": letter.record.value,
            "headers": list(letter.record.headers),
        }
        for letter in letters
    }


def by_account(events: Iterable[Event]) -> dict[str, list[Event]]:
    """The events that count anywhere, test traffic left out (R11), per account."""
    accounts: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if not event.synthetic:
            accounts[event.account_id].append(event)
    return accounts


KEYS: dict[str, tuple[str, ...]] = {
    "invitations": ("invitation_id", "event_type", "occurred_at"),
    "communications": ("message_id",),
    "actions": ("case_id", "event_type", "occurred_at"),
    "outcomes": ("outcome_id", "occurred_at"),
    "operations": ("observation_id",),
}
"""What tells the rows of a topic apart within an account, where it is simply fields of the event."""
assert KEYS.keys() < TYPES.keys()
