"""One row per account (R11, R18, R19, R21 to R23, R27, R33)."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from tests.oracle import scores
from tests.oracle.facts import by_account, mapped_score, newest_revisions
from tests.oracle.records import Catalog, Horizons, Row, Rows
from tests.oracle.validate import CASE_STEPS, Event, lines_of


def accounts(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Every account with an accepted event that is not test traffic (R33)."""
    events = list(events)
    counted: dict[str, list[Event]] = defaultdict(list)
    for (account_id, _), response in newest_revisions(events).items():
        if response.counted:
            counted[str(account_id)].append(response.event)
    return {(account_id,): _row(account_id, own, counted[account_id], catalog) for account_id, own in by_account(events).items()}


def _row(account_id: str, events: list[Event], counted: list[Event], catalog: Catalog) -> Row:
    completed, refunded = _base_amounts(events, "transaction.completed"), _base_amounts(events, "transaction.refunded")
    return {
        "account_id": account_id,
        "first_seen": min(event.occurred_at for event in events),
        "last_seen": max(event.occurred_at for event in events),
        "revenue": sum(completed, Decimal(0)) - sum(refunded, Decimal(0)),
        "refunds": sum(refunded, Decimal(0)),
        "transactions": len(completed),
        "products_owned": products_owned(events, catalog),
        "last_score": last_score(counted),
        "responses": len(counted),
        "open_cases": open_cases(events),
        "messages": sum(event.event_type == "communication.sent" for event in events),
    }


def _base_amounts(events: list[Event], event_type: str) -> list[Decimal]:
    return [_base_amount(event) for event in events if event.event_type == event_type]


def _base_amount(event: Event) -> Decimal:
    amount = event.fields["amount_base"]
    assert isinstance(amount, Decimal)
    return amount


def last_score(counted: list[Event]) -> Fraction | None:
    """Mapped score of the newest counted nps response; of two at the same time, of the greater response_id (R19)."""
    nps = [event for event in counted if event.fields["metric"] == "nps"]
    if not nps:
        return None
    newest = max(nps, key=lambda event: (event.occurred_at, str(event.fields["response_id"]).encode()))
    return mapped_score(newest)


def products_owned(events: list[Event], catalog: Catalog) -> int:
    """Distinct products bought more than given back, after all events, without flooring in between (R21, R22, R23)."""
    purchases = {event.fields["transaction_id"]: event for event in events if event.event_type == "transaction.completed"}
    owned: dict[str, Fraction] = defaultdict(Fraction)
    for event in events:
        if event.event_type == "transaction.completed":
            _move(owned, event, 1, catalog)
        elif event.event_type == "transaction.refunded":
            original = purchases.get(event.fields["original_transaction_id"])
            if lines_of(event.fields):
                _move(owned, event, -1, catalog)
            elif original is None or abs(original.occurred_at - event.occurred_at) > Horizons().join:
                continue
            elif _base_amount(original) == _base_amount(event):
                _move(owned, original, -1, catalog)
    return sum(quantity > 0 for quantity in owned.values())


def _move(owned: dict[str, Fraction], event: Event, direction: int, catalog: Catalog) -> None:
    for line in lines_of(event.fields):
        if not line.consumable and line.product_id not in catalog.consumable_products:
            owned[line.product_id] += direction * scores.exact(line.quantity)


def open_cases(events: list[Event]) -> int:
    """Cases whose newest step is neither resolved nor confirmed; equal times in the order of the steps (R27)."""
    newest: dict[object, tuple[object, ...]] = {}
    for event in events:
        if event.record.topic == "actions":
            case, step = event.fields["case_id"], event.event_type.removeprefix("case.")
            newest[case] = max(newest.get(case, (event.occurred_at, -1)), (event.occurred_at, CASE_STEPS.index(step)))
    return sum(CASE_STEPS[int(str(step))] not in ("resolved", "confirmed") for _, step in newest.values())
