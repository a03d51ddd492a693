"""Which customers were asked, against the rule, in any order of purchases and invitations."""

from collections import Counter
from dataclasses import dataclass
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.core.accounts.asking import MOST_BOUNCED, MOST_QUARANTINED, MOST_SAMPLED, MOST_SENT, NUMBERS, Difference, PurchaseTable, Step
from streams.core.batch import Int64s
from streams.core.signals import ASK_DAYS

LIMIT = ASK_DAYS


@dataclass(frozen=True)
class Sale:
    """A purchase at a unit, numbered."""

    purchase: int
    at: int
    risky: bool


@dataclass(frozen=True)
class Invitation:
    """A step of an invitation, and the purchase that it names."""

    purchase: int
    at: int
    step: Step


TIMES = st.sampled_from([-LIMIT - 1, -LIMIT, 0, 1, LIMIT, LIMIT + 1])
SALES = st.lists(st.builds(Sale, st.integers(0, 5), st.sampled_from([0, 1]), st.booleans()), max_size=6, unique_by=lambda sale: sale.purchase)
INVITATIONS = st.lists(st.builds(Invitation, st.integers(0, 5), TIMES, st.sampled_from(list(Step))), max_size=15)
MOST = {Step.SAMPLED: MOST_SAMPLED, Step.QUARANTINED: MOST_QUARANTINED, Step.SENT: MOST_SENT, Step.BOUNCED: MOST_BOUNCED}


def _expected(sales: list[Sale], invitations: list[Invitation]) -> Counter[tuple[int, str]]:
    told: Counter[tuple[int, str]] = Counter()
    for sale in sales:
        times = {step: sorted({one.at for one in invitations if (one.purchase, one.step) == (sale.purchase, step)}) for step in Step}
        taken = {step for step in Step if any(abs(at - sale.at) <= LIMIT for at in times[step][: MOST[step]])}
        asked = Step.SENT in taken and Step.BOUNCED not in taken
        if Step.SAMPLED in taken and Step.QUARANTINED in taken and not asked:
            told[sale.purchase, "quarantined"] += 1
            told[sale.purchase, "risky_quarantined"] += sale.risky
        for prefix in ("", "drawn_") if Step.SAMPLED in taken else ("",):
            told[sale.purchase, f"{prefix}transactions"] += 1
            told[sale.purchase, f"{prefix}asked"] += asked and not sale.risky
            told[sale.purchase, f"{prefix}risky"] += sale.risky
            told[sale.purchase, f"{prefix}risky_unasked"] += sale.risky and not asked
    return Counter({key: number for key, number in told.items() if number})


def _take_in(table: PurchaseTable, event: Sale | Invitation) -> Difference:
    keys, days = np.array([event.purchase], np.uint64), np.array([event.at])
    if isinstance(event, Sale):
        return table.sold(keys, np.array([event.purchase]), days, np.array([event.risky]))
    return table.invited(keys, days, _places([event]))


def _places(invitations: list[Invitation]) -> Int64s:
    return np.array([list(Step).index(one.step) for one in invitations], np.int64)


@given(SALES, INVITATIONS, st.randoms())
def test_the_numbers_told_add_up_to_the_rule_in_any_order(sales: list[Sale], invitations: list[Invitation], chance: Random) -> None:
    events: list[Sale | Invitation] = [*sales, *invitations]
    chance.shuffle(events)
    table, told = PurchaseTable(), Counter[tuple[int, str]]()
    for event in events:
        difference = _take_in(table, event)
        for row, numbers in zip(difference.rows.tolist(), difference.numbers.tolist(), strict=True):
            told.update({(int(table.unit[row]), name): number for name, number in zip(NUMBERS, numbers, strict=True)})

    assert Counter({key: number for key, number in told.items() if number}) == _expected(sales, invitations)


@given(SALES, INVITATIONS)
def test_a_batch_gives_what_its_events_give_one_by_one(sales: list[Sale], invitations: list[Invitation]) -> None:
    one_by_one, whole = PurchaseTable(), PurchaseTable()
    events: list[Sale | Invitation] = [*sales, *invitations]
    for event in events:
        _take_in(one_by_one, event)
    purchases = np.array([sale.purchase for sale in sales], np.uint64)
    risky = np.array([sale.risky for sale in sales], np.bool_)
    whole.sold(purchases, purchases.astype(np.int64), np.array([sale.at for sale in sales], np.int64), risky)
    whole.invited(
        np.array([one.purchase for one in invitations], np.uint64),
        np.array([one.at for one in invitations], np.int64),
        _places(invitations),
    )
    keys = np.unique(np.array([event.purchase for event in events], np.uint64))
    for name in PurchaseTable.COLUMNS:
        np.testing.assert_array_equal(whole.column(name)[whole.find(keys)], one_by_one.column(name)[one_by_one.find(keys)])
