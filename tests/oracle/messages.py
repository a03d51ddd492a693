"""Messages held against what the account owned and suffered at that moment (R20 to R23, R26 to R28)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction

from tests.oracle import scores
from tests.oracle.facts import local_day
from tests.oracle.growth import month_of, share
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.validate import CASE_STEPS, Event, int_of, lines_of

SELLING = ("sell", "upsell")
Movements = dict[tuple[str, str], list[tuple[datetime, Fraction]]]
"""When how much of a product came to an account, or left it."""


def message_attention(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Every message that is not test traffic."""
    events = list(events)
    moved, steps = _movements(events, catalog), _steps(events)
    sent = {(event.account_id, event.fields["message_id"]): event for event in events if event.record.topic == "communications"}
    return {key: _attention(event, moved, steps, catalog) for key, event in sent.items() if not event.synthetic}


def _attention(event: Event, moved: Movements, steps: dict[tuple[str, object], list[tuple[datetime, int]]], catalog: Catalog) -> Row:
    at, offered = event.occurred_at, event.fields["offer_product_ids"] or []
    assert isinstance(offered, list)
    offers = {str(product) for product in offered}
    owned = {product for product in offers if sum(quantity for when, quantity in moved.get((event.account_id, product), ()) if when < at) > 0}
    is_open = False
    for (account, _), of_case in steps.items():
        before = [step for step in of_case if step[0] < at]
        if account == event.account_id and before:
            is_open |= CASE_STEPS[max(before)[1]] not in ("resolved", "confirmed")
    return {
        **{name: event.fields[name] for name in ("account_id", "message_id", "occurred_at", "purpose", "campaign_id", "channel", "unit_id")},
        "day": local_day(at, catalog),
        "offers": len(offers),
        "owned_offers": len(owned),
        "owned_product_ids": sorted(owned, key=str.encode),
        "case_open": is_open,
        "attention_errors": len(offers) if is_open else len(owned),
    }


def _movements(events: list[Event], catalog: Catalog) -> Movements:
    transactions = {(event.account_id, event.fields["transaction_id"]): event for event in events if event.record.topic == "transactions"}
    moved: Movements = defaultdict(list)
    for (account, _), event in transactions.items():
        if event.synthetic:
            continue
        source, sign = event, 1
        if event.event_type == "transaction.refunded":
            sign = -1
            if not lines_of(event.fields):
                original = transactions.get((account, event.fields["original_transaction_id"]))
                if original is None or original.synthetic or original.event_type == "transaction.refunded":
                    continue
                if original.fields["amount_base"] != event.fields["amount_base"]:
                    continue
                source = original
        for line in lines_of(source.fields):
            if not line.consumable and line.product_id not in catalog.consumable_products:
                moved[account, line.product_id].append((event.occurred_at, sign * scores.exact(line.quantity)))
    return moved


def _steps(events: list[Event]) -> dict[tuple[str, object], list[tuple[datetime, int]]]:
    """The steps of each case of an account: when, and which in the order of steps at one time (R27)."""
    steps: dict[tuple[str, object], list[tuple[datetime, int]]] = defaultdict(list)
    for event in events:
        if event.record.topic == "actions" and not event.synthetic:
            step = CASE_STEPS.index(event.event_type.removeprefix("case."))
            steps[event.account_id, event.fields["case_id"]].append((event.occurred_at, step))
    return steps


def messages_monthly(attention: Rows) -> Rows:
    """The rows of ``message_attention`` by month."""
    months: dict[date, list[Row]] = defaultdict(list)
    for row in attention.values():
        day = row["day"]
        assert isinstance(day, date)
        months[month_of(day)].append(row)
    return {(month,): {"month": month, **_sums(rows)} for month, rows in months.items()}


def _sums(rows: list[Row]) -> Row:
    selling, value = (sum(row["purpose"] in purposes for row in rows) for purposes in (SELLING, ("value_education",)))
    offers, owned, errors = (sum(int_of(row[name]) for row in rows) for name in ("offers", "owned_offers", "attention_errors"))
    return {
        "messages": len(rows),
        "selling": selling,
        "value": value,
        "value_share": share(value, value + selling),
        "sell_to_value": share(selling, value),
        "offers": offers,
        "owned_offers": owned,
        "owned_offer_rate": share(owned, offers),
        "open_case_offers": sum(int_of(row["offers"]) for row in rows if row["case_open"]),
        "attention_errors": errors,
        "attention_error_rate": share(errors, offers),
    }


def of_accounts(attention: Rows) -> Rows:
    """By account: the share of value messages over the year up to the newest message of all, and the rate of owned offers ever."""
    times = [row["occurred_at"] for row in attention.values()]
    newest = max((time for time in times if isinstance(time, datetime)), default=None)
    own: dict[object, list[Row]] = defaultdict(list)
    for row in attention.values():
        own[row["account_id"]].append(row)
    return {
        (account,): {
            "value_share": _sums([row for row in rows if newest and _is_after(row, _a_year_before(newest))])["value_share"],
            "owned_offer_rate": _sums(rows)["owned_offer_rate"],
        }
        for account, rows in own.items()
    }


def _is_after(row: Row, instant: datetime) -> bool:
    at = row["occurred_at"]
    assert isinstance(at, datetime)
    return at > instant


def _a_year_before(instant: datetime) -> datetime:
    is_leap_day = (instant.month, instant.day) == (2, 29)
    return instant.replace(year=instant.year - 1, day=28 if is_leap_day else instant.day)
