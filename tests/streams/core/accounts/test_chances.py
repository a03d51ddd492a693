"""Flushes do not decide what is told of chances to be answered."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from schemas.catalog import Catalog
from schemas.enums import Topic
from streams.core.accounts import AccountsStages
from streams.core.accounts.asking import DAY
from streams.core.accounts.state import Horizons
from streams.core.batch import Numbered
from streams.core.signals import UnitSignals, decode
from streams.stages import signalling_of

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _told(*, together: bool) -> Counter[int]:
    """Transactions of each day (counted from the first), of one that is sent again on the third day, past the horizons, and of another."""
    catalog = Catalog()
    stage = AccountsStages(catalog, Horizons(dedupe=DAY, join=DAY), signalling_of(catalog)).restore(0, ())
    told: Counter[int] = Counter()

    def tell() -> None:
        flush = stage.flush()
        for signals in [decode(signal.value) for signal in flush.signals] if flush is not None else ():
            if isinstance(signals, UnitSignals):
                first = (START - datetime(1970, 1, 1, tzinfo=UTC)).days
                told.update(dict(zip((signals.flows.day - first).tolist(), signals.flows.transactions.tolist(), strict=True)))

    for number, (day, name) in enumerate([(0, "t"), (2, "other"), (3, "t")]):
        event = {
            "event_id": f"e{number}", "event_type": "transaction.completed", "occurred_at": (START + timedelta(days=day)).isoformat(),
            "account_id": "a", "unit_id": "u", "transaction_id": name, "amount": 1, "currency": "EUR",
        }  # fmt: skip
        stage.apply(Topic.TRANSACTIONS, [Numbered(number, 1_900_000_000_000, b"a", json.dumps(event).encode())])
        if not together:
            tell()
    tell()
    return told


@pytest.mark.parametrize("together", [True, False])
def test_what_is_sold_again_past_the_horizons_is_told_once_wherever_flushes_are_cut(together: bool) -> None:
    assert _told(together=together) == {0: 1, 2: 1}


@pytest.mark.parametrize(
    ("reason", "days", "quarantined"),
    [("quarantine", 0, 1), ("quarantine", 8, 0), ("opt_out", 0, 0), ("manual", 0, 0), (None, 0, 0)],
)
def test_only_who_was_left_out_by_quarantine_in_time_is_told_as_such(reason: str | None, days: int, quarantined: int) -> None:
    catalog = Catalog()
    stage = AccountsStages(catalog, signalling=signalling_of(catalog)).restore(0, ())
    common = {"account_id": "a", "unit_id": "u", "transaction_id": "t"}
    sold = {
        **common, "event_id": "e0", "event_type": "transaction.completed", "occurred_at": START.isoformat(), "amount": 1, "currency": "EUR",
        "risk_flags": ["complaint"],
    }  # fmt: skip
    drawn = {**common, "event_id": "e1", "event_type": "invitation.sampled", "occurred_at": START.isoformat(), "invitation_id": "i"}
    later = (START + timedelta(days=days)).isoformat()
    left_out = {**drawn, "event_id": "e2", "event_type": "invitation.suppressed", "occurred_at": later, "suppression_reason": reason}
    stage.apply(Topic.TRANSACTIONS, [Numbered(0, 1_900_000_000_000, b"a", json.dumps(sold).encode())])
    stage.apply(Topic.INVITATIONS, [Numbered(n, 1_900_000_000_000, b"a", json.dumps(one).encode()) for n, one in enumerate((drawn, left_out))])

    flush = stage.flush()
    assert flush is not None
    [flows] = [signals.flows for signals in map(decode, (value for _, value in flush.signals)) if isinstance(signals, UnitSignals)]
    told = {name: int(getattr(flows, name).sum()) for name in ("drawn_transactions", "drawn_risky", "drawn_risky_unasked")}
    assert told == {"drawn_transactions": 1, "drawn_risky": 1, "drawn_risky_unasked": 1}
    assert (int(flows.quarantined.sum()), int(flows.risky_quarantined.sum())) == (quarantined, quarantined)
