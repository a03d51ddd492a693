"""Value that customers got, and how they feel (R30, R47; metrics 1.1 and 1.3)."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import sqrt

from tests.oracle.facts import newest_revisions
from tests.oracle.growth import money, share
from tests.oracle.records import Row, Rows
from tests.oracle.scores import exact
from tests.oracle.validate import Event, float_of


def value_delivered(events: Iterable[Event], accounts: Rows) -> Rows:
    """Every account with outcomes, each outcome as it was measured last (R30)."""
    newest: dict[tuple[str, object], tuple[tuple[datetime, bytes], Event]] = {}
    facts = {
        (event.account_id, event.fields["outcome_id"], event.occurred_at): event for event in events if event.record.topic == "outcomes"
    }  # of an outcome that counts twice (the first was forgotten) the later one
    for event in facts.values():
        key, order = (event.account_id, event.fields["outcome_id"]), (event.occurred_at, event.event_id.encode())
        if not event.synthetic and (key not in newest or order > newest[key][0]):
            newest[key] = order, event
    own: dict[str, list[Event]] = defaultdict(list)
    for (account, _), (_, event) in newest.items():
        own[account].append(event)
    return {(account,): _value(account, outcomes, money(accounts[account,]["revenue"])) for account, outcomes in own.items()}


def progress(event: Event) -> Fraction:
    """How far from baseline to target, cut to 0..1."""
    baseline, target, current = (Fraction(float_of(event.fields[name])) for name in ("baseline", "target", "current"))
    return min(max((current - baseline) / (target - baseline), Fraction(0)), Fraction(1))


def _value(account: str, outcomes: list[Event], revenue: Decimal) -> Row:
    weight = [Fraction(float_of(event.fields["weight"])) for event in outcomes]
    weighted = [one * progress(event) for one, event in zip(weight, outcomes, strict=True)]
    attested = [place for place, event in enumerate(outcomes) if event.fields["attested_by"] == "customer"]
    of = {by: _money(outcomes, "value_amount_base", by) for by in ("customer", "joint", "vendor")}
    claimed = _money(outcomes, "claimed_amount_base")
    return {
        "account_id": account,
        "outcomes": len(outcomes),
        "outcomes_attested": len(attested),
        "weight": sum(weight),
        "weighted_progress": sum(weighted),
        "vdi": sum(weighted) / sum(weight),
        "vdi_attested": sum(weighted[place] for place in attested) / sum(weight[place] for place in attested) if attested else None,
        **{f"value_{name}": of[by] for name, by in (("attested", "customer"), ("joint", "joint"), ("vendor", "vendor"))},
        "value_claimed": claimed,
        "proof_ratio": share(of["customer"], claimed),
        "revenue": revenue,
        "customer_roi": share(of["customer"], revenue) if revenue > 0 else None,
    }


def _money(outcomes: list[Event], name: str, by: str | None = None) -> Decimal:
    given = [event.fields[name] for event in outcomes if by in (None, event.fields["attested_by"])]
    return sum((money(amount) for amount in given if amount is not None), Decimal(0))


def feelings(events: Iterable[Event]) -> dict[str, Fraction]:
    """By account the newest counted response of any metric, mapped to 0..1; of two at one time that of the greater ``response_id`` (R47)."""
    newest: dict[str, tuple[tuple[datetime, bytes], Fraction]] = {}
    for (account, response_id), response in newest_revisions(events).items():
        if response.counted:
            fields, order = response.event.fields, (response.event.occurred_at, str(response_id).encode())
            felt = (exact(fields["score"]) - exact(fields["scale_min"])) / (exact(fields["scale_max"]) - exact(fields["scale_min"]))
            newest[str(account)] = max(newest.get(str(account), (order, felt)), (order, felt))
    return {account: felt for account, (_, felt) in newest.items()}


def focus(vdi: object, feeling: Fraction | None, open_cases: object) -> Row:
    """What follows for an account from the value that it got and how it feels, quadrants cut at one half."""
    row: Row = {"vdi": vdi, "feeling": feeling, "customer_focus_index": None, "quadrant": None}
    row |= {"next_action": "close_case" if open_cases else None, "suppress_selling": bool(open_cases)}
    if isinstance(vdi, Fraction) and feeling is not None:
        row["customer_focus_index"] = sqrt(vdi * feeling)
        served, loved = 2 * vdi >= 1, 2 * feeling >= 1
        row["quadrant"] = ("thriving" if loved else "served_not_loved") if served else "loved_not_served" if loved else "at_risk"
    return row
