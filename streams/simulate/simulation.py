"""The whole simulation: who buys what, who is asked, who answers, what is done about it, and how it arrives."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import yaml

from schemas.enums import RejectReason, Topic
from streams.files import FileRecord
from streams.simulate.acting import SLA_HOURS, open_cases, render_cases, render_messages
from streams.simulate.answering import Responses, answer
from streams.simulate.asking import ask, render_invitations
from streams.simulate.company import BASE_CURRENCY, FX_RATES, PEER_GROUPS, REGIONS, SURVEYS, TIMEZONE, Company, build_company
from streams.simulate.events import CLOUDEVENTS, Events
from streams.simulate.feedback import render_responses, response_ids
from streams.simulate.gaming import ATTACKS, Attack, Gaming, assign
from streams.simulate.imperfections import Sent, send
from streams.simulate.measuring import observe, record_outcomes
from streams.simulate.plan import Plan
from streams.simulate.purchases import buy, refund, render_purchases
from streams.simulate.text import times

_PILOT_PURCHASES = 20_000
_TOLERANCE = 0.02
_ATTEMPTS = 4
_TOPICS = tuple(Topic)


@dataclass(frozen=True, slots=True)
class Simulation:
    """Records in order of arrival, and what only the simulation knows about them."""

    plan: Plan
    company: Company
    gaming: Gaming
    responses: Responses
    sent: Sent

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.sent.key)

    def records(self) -> Iterator[FileRecord]:
        """The records, in order of arrival."""
        sent = self.sent
        rows = zip(sent.topic.tolist(), sent.arrived_at.tolist(), sent.key, sent.value, sent.enveloped, strict=True)
        for topic, arrived_at, key, value, enveloped in rows:
            headers = [("content-type", CLOUDEVENTS.encode())] if enveloped else []
            yield FileRecord(_TOPICS[topic], arrived_at, key.encode(), None if value is None else value.encode(), headers)

    @property
    def bad(self) -> Counter[RejectReason]:
        """How many records cannot be used, and why."""
        return self.sent.bad

    def truth(self) -> str:
        """JSON: the units that are not honest, what they do since when, and the responses that this made or changed."""
        ids = response_ids(np.arange(len(self.responses.account)))
        units = []
        for unit in np.flatnonzero(self.gaming.attack >= 0).tolist():
            attack = ATTACKS[int(self.gaming.attack[unit])]
            touched = np.flatnonzero(self.responses.gamed & (self.responses.unit == unit))
            units.append(
                {
                    "unit_id": self.company.unit_ids[unit],
                    "attack": attack.value,
                    "gaming": attack is not Attack.REAL_IMPROVEMENT,
                    "since": times(self.gaming.since[unit : unit + 1], "s")[0],
                    "strength": float(self.gaming.strength[unit]),
                    "response_ids": [ids[index] for index in touched.tolist()],
                }
            )
        return json.dumps({"seed": self.plan.seed, "units": units, "bad_records": dict(sorted(self.bad.items()))}, indent=1) + "\n"

    def catalog(self) -> str:
        """YAML: the catalog of the company."""
        company = self.company
        units = zip(company.unit_ids, company.unit_peer_group.tolist(), company.unit_region.tolist(), strict=True)
        return yaml.safe_dump(
            {
                "timezone": TIMEZONE,
                "base_currency": BASE_CURRENCY,
                "fx_rates": FX_RATES,
                "surveys": [{"survey_id": one.survey_id, "programme": one.programme, "owner": "customer-experience"} for one in SURVEYS],
                "units": [{"unit_id": unit, "peer_group": PEER_GROUPS[group], "region": REGIONS[region].name} for unit, group, region in units],
                "incentive_plans": [
                    {"plan_id": f"bonus-{region.name}", "units": _units_of(company, index), "period": "month", "payout_rule": "nps >= 40"}
                    for index, region in enumerate(REGIONS)
                ],
                "sla_policies": [{"trigger": trigger.value, "hours": hours} for trigger, hours in SLA_HOURS.items()],
                "products": [
                    {"product_id": product, "consumable": consumable}
                    for product, consumable in zip(company.product_ids, company.consumable.tolist(), strict=True)
                ],
            },
            sort_keys=False,
        )


def _units_of(company: Company, region: int) -> list[str]:
    return [company.unit_ids[unit] for unit in np.flatnonzero(company.unit_region == region).tolist()]


def simulate(plan: Plan) -> Simulation:
    """Simulate a plan; how many purchases make the events that it wants is found with a small simulation first.

    The same plan gives the same records. Few events over many units may miss the wanted number by more than the tolerance of 2 %.
    """
    purchases = min(_PILOT_PURCHASES, plan.events)
    simulation = _run(plan, purchases)
    for _ in range(_ATTEMPTS):
        if abs(len(simulation) / plan.events - 1) <= _TOLERANCE:
            break
        purchases = max(1, round(purchases * plan.events / len(simulation)))
        simulation = _run(plan, purchases)
    return simulation


def _run(plan: Plan, purchases: int) -> Simulation:
    whom, what, play, sold, asked, told, acted, measured, way = (np.random.default_rng(part) for part in np.random.SeedSequence(plan.seed).spawn(9))
    company = build_company(plan, whom)
    gaming = assign(company, play)
    bought = buy(company, purchases, what)
    chances = ask(company, bought, gaming, asked)
    responses = answer(company, bought, chances, gaming, told)
    answered = np.zeros(len(chances.purchase), bool)
    answered[responses.chance[responses.chance >= 0]] = True
    cases = open_cases(company, responses, acted)
    batches: list[Events] = [
        render_purchases(company, bought, sold),
        refund(company, bought, sold),
        render_invitations(company, bought, chances, answered),
        *render_responses(company, responses, told),
        render_cases(company, responses, cases, acted),
        *render_messages(company, bought, responses, cases, acted),
        observe(company, bought, measured),
        *record_outcomes(company, bought, measured),
    ]
    return Simulation(plan, company, gaming, responses, send(company, batches, way))
