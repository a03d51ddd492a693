"""What the company does about it: follow-up cases and messages."""

from dataclasses import dataclass

import numpy as np

from schemas.enums import CaseTrigger, CaseType, CommunicationType, Metric, Purpose, Topic
from streams.core.batch import Bools, Int64s
from streams.simulate.answering import Responses
from streams.simulate.company import APP, EMAIL, PHONE, PRODUCTS, SMS, SURVEYS, Company, later
from streams.simulate.events import Events, Head
from streams.simulate.feedback import response_ids
from streams.simulate.plan import MICROSECONDS_A_DAY
from streams.simulate.purchases import Purchases
from streams.simulate.text import names, times

TYPES = tuple(member.value for member in CaseType)
OPENED, ASSIGNED, CONTACTED, ESCALATED, RESOLVED, CONFIRMED, REOPENED = range(len(TYPES))
TRIGGERS = tuple(member.value for member in CaseTrigger)
PURPOSES = tuple(member.value for member in Purpose)
SLA_HOURS = {CaseTrigger.DETRACTOR: 48, CaseTrigger.TEXT: 72, CaseTrigger.RISK: 24}
CAUSES = ("waiting_time", "delivery", "product_defect", "staff", "price", "billing")
RESOLUTIONS = ("apology", "replacement", "refund", "explanation", "process_changed")
_HOUR = 3_600_000_000
_PURPOSE_SHARES = (0.34, 0.22, 0.20, 0.16, 0.00, 0.08)


@dataclass(frozen=True, slots=True)
class Cases:
    """Follow-up cases: the response that each follows, and the steps that were taken, one row a step."""

    response: Int64s
    step_case: Int64s
    step_type: Int64s
    step_at: Int64s
    resolved: Bools
    resolved_at: Int64s


def open_cases(company: Company, given: Responses, random: np.random.Generator) -> Cases:
    """Cases for detractors; most are contacted in time, some late, some never."""
    of_nps = np.array([survey.metric is Metric.NPS for survey in SURVEYS])[given.survey]
    low = np.where(of_nps, given.score < 7, given.score <= 2)
    response = np.flatnonzero(low & (random.random(len(low)) < company.plan.mix.case_share))
    n = len(response)
    opened = later(given.occurred_at[response] + 1_000_000, random.exponential(0.3, n) / 24)
    assigned = later(opened, random.exponential(2.0, n) / 24)
    contacted = later(assigned, random.lognormal(2.9, 0.8, n) / 24)
    is_contacted = random.random(n) < 0.9
    is_resolved = is_contacted & (random.random(n) < 0.85)
    resolved = later(contacted, random.exponential(40.0, n) / 24)
    is_reopened = is_resolved & (random.random(n) < 0.05)
    reopened = later(resolved, random.exponential(90.0, n) / 24)
    late = contacted > opened + SLA_HOURS[CaseTrigger.DETRACTOR] * _HOUR
    everyone = np.ones(n, bool)
    steps = (
        (OPENED, everyone, opened),
        (ASSIGNED, random.random(n) < 0.95, assigned),
        (ESCALATED, (late | ~is_contacted) & (random.random(n) < 0.6), opened + (SLA_HOURS[CaseTrigger.DETRACTOR] + 1) * _HOUR),
        (CONTACTED, is_contacted, contacted),
        (RESOLVED, is_resolved, resolved),
        (CONFIRMED, is_resolved & ~is_reopened & (random.random(n) < 0.6), resolved + 30 * _HOUR),
        (REOPENED, is_reopened, reopened),
    )
    chosen = [(step, np.flatnonzero(where & (at < company.plan.end_us)), at) for step, where, at in steps]
    return Cases(
        response=response,
        step_case=np.concatenate([where for _, where, _ in chosen]),
        step_type=np.concatenate([np.full(len(where), step) for step, where, _ in chosen]),
        step_at=np.concatenate([at[where] for _, where, at in chosen]),
        resolved=is_resolved & (resolved < company.plan.end_us),
        resolved_at=resolved,
    )


def render_cases(company: Company, given: Responses, cases: Cases, random: np.random.Generator) -> Events:
    """``case.*`` events."""
    case, type_, occurred_at = cases.step_case, cases.step_type, cases.step_at
    response = cases.response[case]
    account, unit = given.account[response], given.unit[response]
    head = Head(names("ce-%08d", case * 10 + type_), occurred_at, account, unit, np.full(len(case), PHONE), types=TYPES, type=type_)
    objects = head.start(company).text("case_id", names("k-%07d", case)).text("response_id", response_ids(response))
    opening = type_ == OPENED
    objects.code("trigger", TRIGGERS, np.where(response % 12 == 0, 1, 0), opening)
    objects.text("owner_id", names("e-%05d", unit * 100 + 90 + case % 3), ~opening)
    objects.text("due_at", times(occurred_at + SLA_HOURS[CaseTrigger.DETRACTOR] * _HOUR), opening & (response % 12 != 0))
    objects.code("cause_code", CAUSES, random.integers(0, len(CAUSES), len(case)), (type_ == RESOLVED) | (type_ == CONFIRMED))
    objects.code("resolution_code", RESOLUTIONS, random.integers(0, len(RESOLUTIONS), len(case)), type_ == RESOLVED)
    return Events(Topic.ACTIONS, occurred_at, account, objects.render())


def render_messages(company: Company, bought: Purchases, given: Responses, cases: Cases, random: np.random.Generator) -> list[Events]:
    """``communication.sent`` events: campaigns, and word to those whose case was resolved."""
    return [_campaigns(company, bought, random), _loop_closures(company, given, cases, random)]


def _campaigns(company: Company, bought: Purchases, random: np.random.Generator) -> Events:
    """Messages to customers some days after they bought; a part of the offers is for what they own already."""
    purchase = np.flatnonzero(random.random(len(bought.account)) < company.plan.mix.messages)
    occurred_at = later(bought.occurred_at[purchase] + _HOUR, random.exponential(20.0, len(purchase)))
    kept = occurred_at < company.plan.end_us
    purchase, occurred_at = purchase[kept], occurred_at[kept]
    n = len(purchase)
    purpose = random.choice(len(PURPOSES), n, p=_PURPOSE_SHARES)
    channel = random.choice([EMAIL, SMS, APP], n, p=[0.7, 0.1, 0.2])
    nowhere = np.full(n, -1)
    head = Head(names("me-%08d", np.arange(n)), occurred_at, bought.account[purchase], nowhere, channel, types=(CommunicationType.SENT.value,))
    objects = head.start(company).text("message_id", names("m-%08d", np.arange(n)))
    week = (occurred_at - company.plan.start_us) // (7 * MICROSECONDS_A_DAY)
    objects.text("campaign_id", names("campaign-%03d", week * 10 + purpose), random.random(n) < 0.9)
    objects.code("purpose", PURPOSES, purpose)
    selling = purpose <= 1
    owned = random.random((n, 2)) < 0.25
    product = np.where(owned, bought.product[purchase, :2], random.integers(0, PRODUCTS, (n, 2)))
    ids = company.product_ids
    two = (random.random(n) < 0.4).tolist()
    pairs = zip(product.tolist(), two, strict=True)
    offers = [f'["{ids[first]}","{ids[second]}"]' if both else f'["{ids[first]}"]' for (first, second), both in pairs]
    objects.raw("offer_product_ids", offers, selling | (random.random(n) < 0.05))
    return Events(Topic.COMMUNICATIONS, occurred_at, bought.account[purchase], objects.render())


def _loop_closures(company: Company, given: Responses, cases: Cases, random: np.random.Generator) -> Events:
    case = np.flatnonzero(cases.resolved & (random.random(len(cases.resolved)) < 0.6))
    occurred_at = later(cases.resolved_at[case], random.exponential(60.0, len(case)) / 24)
    kept = occurred_at < company.plan.end_us
    case, occurred_at = case[kept], occurred_at[kept]
    response = cases.response[case]
    account = given.account[response]
    n = len(case)
    head = Head(names("le-%07d", case), occurred_at, account, given.unit[response], np.full(n, EMAIL), types=(CommunicationType.SENT.value,))
    objects = head.start(company).text("message_id", names("l-%07d", case)).text("purpose", [Purpose.LOOP_CLOSURE.value] * n)
    objects.raw("response_ids", [f'["{response_id}"]' for response_id in response_ids(response)])
    return Events(Topic.COMMUNICATIONS, occurred_at, account, objects.render())
