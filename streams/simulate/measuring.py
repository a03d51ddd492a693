"""What is measured beside feedback: operations, and the value that customers got."""

import numpy as np

from schemas.enums import Attestation, OperationType, OutcomeType, Topic
from streams.simulate.company import EMAIL, REGIONS, STORE, WEB, Company, to_instants
from streams.simulate.events import Events, Head, envelopes
from streams.simulate.plan import MICROSECONDS_A_DAY
from streams.simulate.purchases import Purchases, transaction_ids
from streams.simulate.text import money, names, times

MEASURES = ("wait_minutes", "delivery_delay_days", "defects")
OBJECTIVES = ("hours_saved", "cost_reduced", "uptime")
ATTESTED = tuple(member.value for member in Attestation)
_CURRENCIES = tuple(region.currency for region in REGIONS)


def observe(company: Company, bought: Purchases, random: np.random.Generator) -> Events:
    """``operation.observed`` events: longer waits, later deliveries and more defects where something went wrong."""
    purchase = np.flatnonzero(random.random(len(bought.account)) < company.plan.mix.observations)
    n = len(purchase)
    channel = bought.channel[purchase]
    measure = np.where(channel == STORE, 0, np.where(channel == WEB, 1, 2))
    value = random.gamma(2.0, np.array([3.0, 0.6, 0.05])[measure]) * np.where(bought.trouble[purchase], 3.0, 1.0)
    occurred_at = bought.occurred_at[purchase] - random.integers(1, 600, n) * 1_000_000
    occurred_at = np.maximum(occurred_at, company.plan.start_us)
    account, unit = bought.account[purchase], bought.unit[purchase]
    head = Head(names("oe-%08d", np.arange(n)), occurred_at, account, unit, channel, types=(OperationType.OBSERVED.value,))
    objects = head.start(company).text("observation_id", names("o-%08d", np.arange(n))).code("measure", MEASURES, measure)
    objects.raw("value", [f"{number:.2f}" for number in value.tolist()]).text("transaction_id", transaction_ids(purchase))
    return Events(Topic.OPERATIONS, occurred_at, account, objects.render())


def record_outcomes(company: Company, bought: Purchases, random: np.random.Generator) -> list[Events]:
    """``outcome.recorded`` events, measured again every month; a third arrive as CloudEvents."""
    n = max(1, round(len(bought.account) * company.plan.mix.outcomes))
    account = random.choice(company.plan.accounts, n)
    months = max(1, company.plan.months)
    occurred_at = to_instants(company.plan, random.random(n) * company.plan.days)
    objective = account % len(OBJECTIVES)
    progress = np.clip((occurred_at - company.plan.start_us) / (30 * MICROSECONDS_A_DAY) / months * company.feeling[account] * 1.6, 0, 1.4)
    baseline, target = np.array([10.0, 100.0, 95.0])[objective], np.array([60.0, 70.0, 99.9])[objective]
    current = baseline + (target - baseline) * progress + random.normal(0, 0.5, n)
    event_ids, texts = names("ve-%07d", np.arange(n)), times(occurred_at)
    unit, channel = company.home_unit[account], np.full(n, EMAIL)
    head = Head(event_ids, occurred_at, account, unit, channel, occurred_text=texts, types=(OutcomeType.RECORDED.value,))
    objects = head.start(company).text("outcome_id", names("v-%06d", account)).code("objective_id", OBJECTIVES, objective)
    for name, values in (("baseline", baseline), ("target", target), ("current", current)):
        objects.raw(name, [f"{number:.3f}" for number in values.tolist()])
    objects.raw("weight", [f"{number:.1f}" for number in (1 + account % 3 / 2).tolist()], account % 3 > 0)
    value = np.maximum(0, (progress * 100_000).astype(np.int64))
    priced = random.random(n) < 0.4
    objects.raw("value_amount", money(value), priced).raw("claimed_amount", money(np.full(n, 120_000)), priced)
    objects.code("currency", _CURRENCIES, company.unit_region[unit], priced)
    objects.code("attested_by", ATTESTED, random.choice(3, n, p=[0.5, 0.3, 0.2]))
    rendered = objects.render()
    cut = n // 3
    enveloped = envelopes(rendered[:cut], event_ids[:cut], OutcomeType.RECORDED.value, texts[:cut], "/customer-success")
    return [
        Events(Topic.OUTCOMES, occurred_at[:cut], account[:cut], enveloped, envelope=True),
        Events(Topic.OUTCOMES, occurred_at[cut:], account[cut:], rendered[cut:]),
    ]
