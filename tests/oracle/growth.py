"""Growth and referrals per month (R18, R24, R25, R32, R46), from scratch for each month."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tests.oracle.facts import local_day, mapped_score, newest_revisions
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.scores import response_class
from tests.oracle.validate import Event

EARNED = ("referral", "recommendation")
BOUGHT = ("advertising", "promotion", "sales")
REFERRAL_DAYS = 180


def month_of(day: date) -> date:
    """The first day of the month of a local day."""
    return day.replace(day=1)


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def money(value: object) -> Decimal:
    """An amount that has been checked to be one."""
    assert isinstance(value, Decimal)
    return value


def share(part: int | Decimal, whole: int | Decimal) -> Fraction | None:
    """A part of a whole; None of nothing."""
    return Fraction(part) / Fraction(whole) if whole != 0 else None


def purchase_order(event: Event) -> tuple[datetime, bytes]:
    """Purchases in order of time, ties by ``transaction_id`` (R25)."""
    return event.occurred_at, str(event.fields["transaction_id"]).encode()


@dataclass(slots=True)
class Ledger:
    """Movements of money by account and month; the months from the first to the last of them."""

    completed: dict[tuple[str, date], list[Event]] = field(default_factory=lambda: defaultdict(list))
    refunded: dict[tuple[str, date], list[Event]] = field(default_factory=lambda: defaultdict(list))
    first: dict[str, Event] = field(default_factory=dict)
    """The first completed purchase of each account."""
    months: list[date] = field(default_factory=list)

    def accounts(self, month: date) -> set[str]:
        """Everybody for whom money moved in the month."""
        return {account for moved in (self.completed, self.refunded) for account, of_month in moved if of_month == month}

    def customers(self, month: date) -> set[str]:
        """Accounts with a completed purchase in the month (R24)."""
        return {account for account, of_month in self.completed if of_month == month}

    def gross(self, account: str, month: date) -> Decimal:
        """What was completed."""
        return sum((money(event.fields["amount_base"]) for event in self.completed.get((account, month), ())), Decimal(0))

    def back(self, account: str, month: date) -> Decimal:
        """What was given back."""
        return sum((money(event.fields["amount_base"]) for event in self.refunded.get((account, month), ())), Decimal(0))

    def net(self, account: str, month: date) -> Decimal:
        """Completed minus refunded (R18)."""
        return self.gross(account, month) - self.back(account, month)

    def newcomer(self, account: str, month: date, last: set[str]) -> Event | None:
        """The purchase that makes an account new in a month; None where it is not new (R25)."""
        if account in last:
            return None
        for event in sorted(self.completed.get((account, month), ()), key=purchase_order):
            said = event.fields["is_new_customer"]
            if said is True or (said is None and event is self.first[account]):
                return event
        return None


def ledger(events: Iterable[Event], catalog: Catalog) -> Ledger:
    """All movements that are not test traffic; of a transaction that counts twice (the first was forgotten) the later one."""
    movements = {(event.account_id, event.fields["transaction_id"]): event for event in events if event.record.topic == "transactions"}
    made = Ledger()
    for event in movements.values():
        if event.synthetic:
            continue
        month = month_of(local_day(event.occurred_at, catalog))
        made.months.append(month)
        if event.event_type == "transaction.refunded":
            made.refunded[event.account_id, month].append(event)
        else:
            made.completed[event.account_id, month].append(event)
            known = made.first.get(event.account_id, event)
            made.first[event.account_id] = min(known, event, key=purchase_order)
    if made.months:
        first, last = min(made.months), max(made.months)
        made.months = [first]
        while made.months[-1] < last:
            made.months.append(next_month(made.months[-1]))
    return made


def account_months(events: Iterable[Event], catalog: Catalog) -> Rows:
    """What became of each account in each month in which money moved, and in the month after one in which it bought."""
    book, rows = ledger(events, catalog), Rows()
    before: date | None = None
    for month in book.months:
        last = book.customers(before) if before else set()
        for account in book.accounts(month) | last:
            new = book.newcomer(account, month, last)
            reason = str(new.fields["acquisition_reason"]) if new else None
            rows[account, month] = {
                "account_id": account,
                "month": month,
                "standing": _standing(account in last, account in book.customers(month), reason),
                "revenue": book.net(account, month),
                "revenue_before": book.net(account, before) if before else Decimal(0),
                "gross_revenue": book.gross(account, month),
                "refunds": book.back(account, month),
                "induced_revenue": _induced(book.completed.get((account, month), []), reason),
                "purchases": len(book.completed.get((account, month), ())),
                "purchases_before": len(book.completed.get((account, before), ())) if before else 0,
                "acquisition_reason": reason,
                "referrer_account_id": new.fields["referrer_account_id"] if new else None,
                "came_at": new.occurred_at if new else None,
            }
        before = month
    return rows


def _standing(was_customer: bool, is_customer: bool, reason: str | None) -> str:
    if was_customer:
        return "kept" if is_customer else "lost"
    if reason is not None:
        return "earned_new" if reason in EARNED else "bought_new" if reason in BOUGHT else "other_new"
    return "returned" if is_customer else "refunded"


def _induced(purchases: list[Event], reason: str | None) -> Decimal:
    """Revenue with a discount above 20 % of amount + discount, or bought-new, or merger; each purchase once (R46)."""
    total = Decimal(0)
    for event in purchases:
        amount, discount = money(event.fields["amount"]), money(event.fields["discount"])
        is_cheap = Fraction(discount) > Fraction(1, 5) * Fraction(amount + discount)
        if is_cheap or reason in (*BOUGHT, "merger") or event.fields["acquisition_reason"] == "merger":
            total += money(event.fields["amount_base"])
    return total


def growth_monthly(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Every month from the first to the last movement (R24)."""
    book, rows = ledger(events, catalog), Rows()
    before: date | None = None
    for month in book.months:
        rows[month,] = _growth(book, month, before)
        before = month
    return rows


def _growth(book: Ledger, month: date, before: date | None) -> Row:
    now, last = book.customers(month), book.customers(before) if before else set()
    came = {account: str(new.fields["acquisition_reason"]) for account in now if (new := book.newcomer(account, month, last))}
    base = sum((book.net(account, before) for account in book.accounts(before)), Decimal(0)) if before else None
    revenue = sum((book.net(account, month) for account in book.accounts(month)), Decimal(0))
    gross = sum((book.gross(account, month) for account in now), Decimal(0))
    kept = sum((book.net(account, month) for account in last), Decimal(0))
    capped = sum((min(book.net(account, before), max(book.net(account, month), Decimal(0))) for account in last if before), Decimal(0))
    earned, bought, otherwise = (
        sum((book.net(account, month) for account, reason in came.items() if reason in reasons), Decimal(0))
        for reasons in (EARNED, BOUGHT, ("merger", "unknown"))
    )
    induced = sum((_induced(book.completed[account, month], came.get(account)) for account in now), Decimal(0))
    rated = base if base is not None and base > 0 else Decimal(0)
    growth = share(kept + earned - rated, rated)
    return {
        "month": month,
        "revenue": revenue,
        "gross_revenue": gross,
        "refunds": gross - revenue,
        "base": base,
        "kept_revenue": kept,
        "kept_revenue_capped": capped,
        "earned_new_revenue": earned,
        "bought_new_revenue": bought,
        "other_new_revenue": otherwise,
        "other_revenue": sum((book.net(account, month) for account in book.accounts(month) - last - came.keys()), Decimal(0)),
        "induced_revenue": induced,
        "customers": len(now),
        "customers_before": len(last),
        "customers_kept": len(now & last),
        "customers_new": len(came),
        "customers_earned_new": sum(reason in EARNED for reason in came.values()),
        "customers_bought_new": sum(reason in BOUGHT for reason in came.values()),
        "customers_returned": len(now - last - came.keys()),
        "nrr": share(kept, rated),
        "grr": share(capped, rated),
        "earned_new": share(earned, rated),
        "bought_new": share(bought, rated),
        "earned_growth_rate": growth,
        "earned_growth_ratio": growth / (Fraction(revenue) / Fraction(rated) - 1) if growth is not None and revenue != rated else None,
        "induced_share": share(induced, gross),
        "logo_retention": share(len(now & last), len(last)),
        "is_over": month < book.months[-1],
    }


def referrals_monthly(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Who came by referral, and which promoters are known to have referred somebody within 180 days."""
    events = list(events)
    book = ledger(events, catalog)
    last, named = set[str](), list[tuple[str, datetime]]()
    bought: dict[date, list[tuple[bool, bool, Decimal]]] = {}
    for month in book.months:
        bought[month] = []
        for account in book.customers(month):
            new = book.newcomer(account, month, last)
            referrer = new.fields["referrer_account_id"] if new else None
            referred = new is not None and (referrer is not None or new.fields["acquisition_reason"] == "referral")
            bought[month].append((new is not None, referred, book.gross(account, month)))
            if new is not None and referrer is not None:
                named.append((str(referrer), new.occurred_at))
        last = book.customers(month)
    promoted = _promoted(events, catalog, named)
    months = {month for month in book.months if book.accounts(month) or any(book.customers(one) for one in _month_before(book, month))}
    return {(month,): _referrals(month, bought.get(month, []), promoted.get(month, {})) for month in months | promoted.keys()}


def _month_before(book: Ledger, month: date) -> list[date]:
    return [one for one in book.months if next_month(one) == month]


def _promoted(events: list[Event], catalog: Catalog, named: list[tuple[str, datetime]]) -> dict[date, dict[str, bool]]:
    """Per month the accounts that answered as promoters, and whether a newcomer named them within the time after an answer."""
    promoted: dict[date, dict[str, bool]] = defaultdict(dict)
    for response in newest_revisions(events).values():
        event = response.event
        if not response.counted or response_class(str(event.fields["metric"]), mapped_score(event)) != "promoter":
            continue
        until = event.occurred_at + timedelta(days=REFERRAL_DAYS)
        did = any(referrer == event.account_id and event.occurred_at < at <= until for referrer, at in named)
        of_month = promoted[month_of(local_day(event.occurred_at, catalog))]
        of_month[event.account_id] = of_month.get(event.account_id, False) or did
    return promoted


def _referrals(month: date, bought: list[tuple[bool, bool, Decimal]], promoted: dict[str, bool]) -> Row:
    gross = sum((amount for _, _, amount in bought), Decimal(0))
    by_referral = sum((amount for _, referred, amount in bought if referred), Decimal(0))
    referred = sum(referred for _, referred, _ in bought)
    return {
        "month": month,
        "customers": len(bought),
        "customers_new": sum(new for new, _, _ in bought),
        "customers_referred": referred,
        "gross_revenue": gross,
        "referred_revenue": by_referral,
        "referral_rate": share(referred, len(bought)),
        "referral_revenue_share": share(by_referral, gross),
        "promoters": len(promoted),
        "promoters_who_referred": sum(promoted.values()),
        "actual_promoter_rate": share(sum(promoted.values()), len(promoted)),
    }
