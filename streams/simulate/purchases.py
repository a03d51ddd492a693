"""Purchases and refunds."""

from dataclasses import dataclass

import numpy as np

from schemas.enums import AcquisitionReason, Topic, TransactionType
from streams.core.batch import Bools, Floats, Int64s
from streams.simulate.company import AGENTS_A_UNIT, APP, CHANNELS_OF_PEER_GROUP, PRODUCTS, REGIONS, STORE, Company, later, to_instants
from streams.simulate.events import Events, Head
from streams.simulate.text import Objects, money, names, times, times_at_offset

TYPES = tuple(member.value for member in TransactionType)
RISKS = ("long_wait", "late_delivery", "defect", "complaint")
MOST_LINES = 4
_CURRENCIES = tuple(region.currency for region in REGIONS)


@dataclass(frozen=True, slots=True)
class Purchases:
    """Purchases in order of time. ``product``, ``quantity`` and ``line_cents`` have a column per line; lines beyond ``lines`` do not count."""

    account: Int64s
    unit: Int64s
    agent: Int64s
    channel: Int64s
    occurred_at: Int64s
    risk: Int64s
    """Index into ``RISKS``; -1: all went well."""
    lines: Int64s
    product: Int64s
    quantity: Int64s
    line_cents: Int64s
    discount: Int64s
    amount: Int64s
    first: Bools
    """The first purchase of an account that joined within the simulated time."""

    @property
    def trouble(self) -> Bools:
        """Whether something went wrong."""
        return self.risk >= 0


def buy(company: Company, n: int, random: np.random.Generator) -> Purchases:
    """``n`` purchases: who buys follows from activity and from how long the account stays, when follows from demand."""
    weight = company.activity * (company.left - company.joined)
    account = random.choice(company.plan.accounts, n, p=weight / weight.sum())
    days = company.when(random.random(n), company.joined[account], company.left[account])
    strayed = random.random(n) < 0.18
    unit = np.where(strayed, random.choice(company.plan.units, n, p=company.unit_weight / company.unit_weight.sum()), company.home_unit[account])
    channel = _channels(company.unit_peer_group[unit], random)
    days = _opening_hours(np.minimum(days, company.plan.days - 1e-6), channel == STORE, random)
    order = np.argsort(days, kind="stable")
    account, unit, channel, days = account[order], unit[order], channel[order], days[order]
    # Tills write whole seconds.
    occurred_at = to_instants(company.plan, days)
    occurred_at = np.where(channel == STORE, occurred_at // 1_000_000 * 1_000_000, occurred_at)
    risk = np.where(random.random(n) < 0.20 - 0.18 * company.unit_satisfaction[unit], random.integers(0, len(RISKS), n), -1)
    lines = np.minimum(random.geometric(0.55, n), MOST_LINES)
    product = random.choice(PRODUCTS, (n, MOST_LINES), p=company.product_weight)
    quantity = np.minimum(random.geometric(0.8, (n, MOST_LINES)), 5)
    there = np.arange(MOST_LINES) < lines[:, None]
    line_cents = np.where(there, company.price[product] * quantity, 0)
    gross = line_cents.sum(axis=1)
    rate = np.where(random.random(n) < 0.16, random.choice([0.05, 0.10, 0.20, 0.30], n), 0.0)
    discount = (gross * rate).astype(np.int64)
    seen_before = np.zeros(n, bool)
    _, firsts = np.unique(account, return_index=True)
    seen_before[firsts] = True
    return Purchases(
        account, unit, random.integers(0, AGENTS_A_UNIT, n), channel, occurred_at, risk, lines, product, quantity, line_cents,
        discount, gross - discount, seen_before & company.new[account],
    )  # fmt: skip


def _channels(peer_group: Int64s, random: np.random.Generator) -> Int64s:
    drawn = random.random(len(peer_group))
    channel = np.zeros(len(peer_group), np.int64)
    for group, shares in enumerate(CHANNELS_OF_PEER_GROUP):
        of_group = np.flatnonzero(peer_group == group)
        bounds = np.cumsum([share for _, share in shares])
        pick = np.minimum(np.searchsorted(bounds, drawn[of_group], side="right"), len(shares) - 1)
        channel[of_group] = np.array([member for member, _ in shares])[pick]
    return channel


def _opening_hours(days: Floats, in_store: Bools, random: np.random.Generator) -> Floats:
    """The same days; stores are open from 8 to 20, everything else follows the waking day."""
    store = 8 / 24 + random.beta(2.2, 1.8, len(days)) * 0.5
    elsewhere = random.beta(3.2, 2.2, len(days))
    return np.floor(days) + np.where(in_store, store, elsewhere) * (1 - 1e-9)


def render_purchases(company: Company, bought: Purchases, random: np.random.Generator) -> Events:
    """``transaction.completed`` events."""
    n = len(bought.account)
    at_till = bought.channel == STORE
    texts = times(bought.occurred_at)
    for hours in {region.hours for region in REGIONS}:
        there = np.flatnonzero(at_till & (np.array([region.hours for region in REGIONS])[company.unit_region[bought.unit]] == hours))
        for row, text in zip(there.tolist(), times_at_offset(bought.occurred_at[there], hours), strict=True):
            texts[row] = text
    head = Head(
        names("te-%08d", np.arange(n)), bought.occurred_at, bought.account, bought.unit, bought.channel, bought.agent,
        _person(bought.account, random), texts, TYPES[:1],
    )  # fmt: skip
    objects = head.start(company).text("transaction_id", transaction_ids(np.arange(n)))
    _add_money(company, bought, objects)
    objects.raw("products", _product_lines(company, bought))
    objects.flags("is_new_customer", bought.first, (bought.first | (random.random(n) < 0.3)) & ~(bought.first & (random.random(n) < 0.1)))
    reason = company.reason[bought.account]
    objects.code("acquisition_reason", tuple(member.value for member in AcquisitionReason), reason, bought.first)
    referrer = company.referrer[bought.account]
    objects.text("referrer_account_id", [company.account_ids[other] for other in referrer.tolist()], bought.first & (referrer >= 0))
    recurring = (bought.channel == APP) & (random.random(n) < 0.3)
    objects.flags("recurring", recurring, recurring)
    objects.raw("risk_flags", [f'["{RISKS[risk]}"]' for risk in bought.risk.tolist()], bought.trouble)
    return Events(Topic.TRANSACTIONS, bought.occurred_at, bought.account, objects.render())


def transaction_ids(index: Int64s) -> list[str]:
    """The id of a purchase, by its index."""
    return names("t-%08d", index)


def _person(account: Int64s, random: np.random.Generator) -> Int64s:
    """Every tenth account has several persons."""
    return np.where(account % 10 == 0, random.integers(0, 3, len(account)), -1)


def _add_money(company: Company, bought: Purchases, objects: Objects) -> None:
    region = company.unit_region[bought.unit]
    amounts = money(bought.amount)
    # British tills send decimal strings, everybody else numbers.
    as_text = np.array([name == "GBP" for name in _CURRENCIES])[region]
    objects.raw("amount", [f'"{amount}"' if text else amount for amount, text in zip(amounts, as_text.tolist(), strict=True)])
    objects.code("currency", _CURRENCIES, region)
    objects.raw("discount", money(bought.discount), bought.discount > 0)
    margin = company.margin[bought.product[:, 0]]
    cost = ((bought.amount + bought.discount) * (1 - margin)).astype(np.int64)
    objects.raw("cost", money(cost), company.unit_peer_group[bought.unit] != 3)


def _product_lines(company: Company, bought: Purchases) -> list[str]:
    marks = [',"consumable":true' if consumable else "" for consumable in company.consumable.tolist()]
    known = [
        [f'{{"product_id":"{name}","quantity":{quantity},"amount":%s{mark}}}' for quantity in range(6)]
        for name, mark in zip(company.product_ids, marks, strict=True)
    ]
    rows = zip(bought.lines.tolist(), bought.product.tolist(), bought.quantity.tolist(), bought.line_cents.tolist(), strict=True)
    return [
        "[" + ",".join([known[product[i]][quantity[i]] % f"{cents[i] // 100}.{cents[i] % 100:02d}" for i in range(lines)]) + "]"
        for lines, product, quantity, cents in rows
    ]


def refund(company: Company, bought: Purchases, random: np.random.Generator) -> Events:
    """``transaction.refunded`` events: most give everything back, some one line, a few an amount alone."""
    n = len(bought.account)
    chosen = np.flatnonzero(random.random(n) < np.where(bought.trouble, 0.16, 0.018))
    occurred_at = later(bought.occurred_at[chosen], random.exponential(6.0, len(chosen)))
    kept = occurred_at < company.plan.end_us
    chosen, occurred_at = chosen[kept], occurred_at[kept]
    kind = random.choice(3, len(chosen), p=[0.6, 0.25, 0.15])
    one_line = (kind == 1) & (bought.lines[chosen] > 1)
    partly = kind == 2
    amount = np.where(one_line, np.minimum(bought.line_cents[chosen, 0], bought.amount[chosen]), bought.amount[chosen])
    amount = np.where(partly, amount // 4, amount)
    ids = np.arange(len(chosen))
    head = Head(names("re-%07d", ids), occurred_at, bought.account[chosen], bought.unit[chosen], bought.channel[chosen], types=TYPES[1:])
    objects = head.start(company).text("transaction_id", names("r-%07d", ids)).text("original_transaction_id", transaction_ids(chosen))
    objects.raw("amount", money(amount)).code("currency", _CURRENCIES, company.unit_region[bought.unit[chosen]])
    first = [company.product_ids[product] for product in bought.product[chosen, 0].tolist()]
    lines = [f'[{{"product_id":"{name}","quantity":{q}}}]' for name, q in zip(first, bought.quantity[chosen, 0].tolist(), strict=True)]
    objects.raw("products", lines, one_line)
    return Events(Topic.TRANSACTIONS, occurred_at, bought.account[chosen], objects.render())
