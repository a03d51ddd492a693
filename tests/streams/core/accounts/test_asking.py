"""Which customers were asked, against the rule, in any order of purchases and invitations."""

from collections import Counter
from dataclasses import dataclass
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.accounts.asking import DAY, MOST_BOUNCED, MOST_SAMPLED, MOST_SENT, NUMBERS, Difference, PurchaseTable
from streams.core.signals import ASK_DAYS

LIMIT = ASK_DAYS * DAY


@dataclass(frozen=True)
class Sale:
    """A purchase at a unit, numbered."""

    purchase: int
    at: int
    risky: bool


@dataclass(frozen=True)
class Invitation:
    """An invitation that was sent, or that bounced, and the purchase that it names."""

    purchase: int
    at: int
    bounced: bool


@dataclass(frozen=True)
class Drawing:
    """An invitation that was sampled, and the purchase that it names."""

    purchase: int
    at: int


TIMES = st.sampled_from([-LIMIT - 1, -LIMIT, 0, 1, LIMIT, LIMIT + 1])
SALES = st.lists(st.builds(Sale, st.integers(0, 5), st.sampled_from([0, 1]), st.booleans()), max_size=6, unique_by=lambda sale: sale.purchase)
INVITATIONS = st.lists(st.builds(Invitation, st.integers(0, 5), TIMES, st.booleans()), max_size=10)
DRAWINGS = st.lists(st.builds(Drawing, st.integers(0, 5), TIMES), max_size=5)


def _expected(sales: list[Sale], invitations: list[Invitation], drawings: list[Drawing]) -> Counter[tuple[int, str]]:
    told: Counter[tuple[int, str]] = Counter()
    for sale in sales:
        about = [one for one in invitations if one.purchase == sale.purchase]
        sent = sorted({one.at for one in about if not one.bounced})[:MOST_SENT]
        bounced = sorted({one.at for one in about if one.bounced})[:MOST_BOUNCED]
        asked = any(abs(at - sale.at) <= LIMIT for at in sent) and not any(abs(at - sale.at) <= LIMIT for at in bounced)
        sampled = sorted({one.at for one in drawings if one.purchase == sale.purchase})[:MOST_SAMPLED]
        drawn = any(abs(at - sale.at) <= LIMIT for at in sampled)
        for prefix in ("", "drawn_") if drawn else ("",):
            told[sale.purchase, f"{prefix}transactions"] += 1
            told[sale.purchase, f"{prefix}asked"] += asked and not sale.risky
            told[sale.purchase, f"{prefix}risky"] += sale.risky
            told[sale.purchase, f"{prefix}risky_unasked"] += sale.risky and not asked
    return Counter({key: number for key, number in told.items() if number})


def _take_in(table: PurchaseTable, event: Sale | Invitation | Drawing) -> Difference:
    keys, times = np.array([event.purchase], np.uint64), np.array([event.at])
    if isinstance(event, Sale):
        return table.sold(keys, np.array([event.purchase]), np.array([0]), times, np.array([event.risky]))
    if isinstance(event, Drawing):
        return table.drawn(keys, times)
    return table.invited(keys, times, np.array([event.bounced]))


@given(SALES, INVITATIONS, DRAWINGS, st.randoms())
def test_the_numbers_told_add_up_to_the_rule_in_any_order(
    sales: list[Sale], invitations: list[Invitation], drawings: list[Drawing], chance: Random
) -> None:
    events: list[Sale | Invitation | Drawing] = [*sales, *invitations, *drawings]
    chance.shuffle(events)
    table, told = PurchaseTable(), Counter[tuple[int, str]]()
    for event in events:
        difference = _take_in(table, event)
        for row, numbers in zip(difference.rows.tolist(), difference.numbers.tolist(), strict=True):
            told.update({(int(table.unit[row]), name): number for name, number in zip(NUMBERS, numbers, strict=True)})

    assert Counter({key: number for key, number in told.items() if number}) == _expected(sales, invitations, drawings)


@given(SALES, INVITATIONS, DRAWINGS)
def test_a_batch_gives_what_its_events_give_one_by_one(sales: list[Sale], invitations: list[Invitation], drawings: list[Drawing]) -> None:
    one_by_one, whole = PurchaseTable(), PurchaseTable()
    events: list[Sale | Invitation | Drawing] = [*sales, *invitations, *drawings]
    for event in events:
        _take_in(one_by_one, event)
    purchases = np.array([sale.purchase for sale in sales], np.uint64)
    risky = np.array([sale.risky for sale in sales], np.bool_)
    whole.sold(purchases, purchases.astype(np.int64), np.zeros(len(sales), np.int64), np.array([sale.at for sale in sales], np.int64), risky)
    whole.invited(
        np.array([one.purchase for one in invitations], np.uint64),
        np.array([one.at for one in invitations], np.int64),
        np.array([one.bounced for one in invitations], np.bool_),
    )
    whole.drawn(np.array([one.purchase for one in drawings], np.uint64), np.array([one.at for one in drawings], np.int64))
    keys = np.unique(np.array([event.purchase for event in events], np.uint64))
    for name in PurchaseTable.COLUMNS:
        np.testing.assert_array_equal(whole.column(name)[whole.find(keys)], one_by_one.column(name)[one_by_one.find(keys)])
