"""Responses: who answers, what they think, and what gaming units make of it."""

from dataclasses import dataclass, fields, replace

import numpy as np

from streams.core.batch import Bools, Floats, Int64s
from streams.simulate.asking import CLASSES, CUSTOMER, FREE, STAFF, UNKNOWN, Chances
from streams.simulate.comments import BEGGED, BRIBED, COACHED_TEXT, PLAIN
from streams.simulate.company import APP, KIOSK, REVIEW, SURVEYS, WEB, Company, later
from streams.simulate.gaming import Attack, Gaming, end_of_month
from streams.simulate.purchases import Purchases

LOW = np.array([survey.low for survey in SURVEYS])
HIGH = np.array([survey.high for survey in SURVEYS])
VISIT = 1
NOT_ASKED, DENIED, ADMITTED = -1, 0, 1
__all__ = ["ADMITTED", "CLASSES", "DENIED", "HIGH", "LOW", "NOT_ASKED", "Responses", "answer"]


@dataclass(frozen=True, slots=True)
class Responses:
    """Responses in order of time, first revisions only."""

    account: Int64s
    unit: Int64s
    agent: Int64s
    channel: Int64s
    purchase: Int64s
    """-1: names no transaction."""
    chance: Int64s
    """-1: without invitation."""
    survey: Int64s
    occurred_at: Int64s
    share: Floats
    """How good the customer found it, 0..1."""
    score: Int64s
    device: Int64s
    """Account number, or minus the number of a shared device."""
    contact_class: Int64s
    duration_ms: Int64s
    text: Int64s
    """Kind of comment."""
    asked: Int64s
    """Answer to whether somebody asked for a score; ``NOT_ASKED`` where the form has no such question."""
    straight: Bools
    """Every driver question got the same answer as the score."""
    gamed: Bools
    """Made, or changed, by an attack."""


def answer(company: Company, bought: Purchases, chances: Chances, gaming: Gaming, random: np.random.Generator) -> Responses:
    """All responses that arrive within the simulated time."""
    honest = _join(_invited(company, bought, chances, gaming, random), _spontaneous(company, bought, gaming, random))
    played = _influence(honest, gaming, random)
    fakes = _stuff(company, played, gaming, random)
    everything = _join(played, fakes)
    kept = everything.occurred_at < company.plan.end_us
    order = np.flatnonzero(kept)[np.argsort(everything.occurred_at[kept], kind="stable")]
    return _take(everything, order)


def _take(responses: Responses, index: Int64s) -> Responses:
    return Responses(**{field.name: getattr(responses, field.name)[index] for field in fields(Responses)})


def _join(first: Responses, second: Responses) -> Responses:
    return Responses(**{field.name: np.concatenate((getattr(first, field.name), getattr(second, field.name))) for field in fields(Responses)})


def _opinion(company: Company, bought: Purchases, purchase: Int64s, gaming: Gaming, random: np.random.Generator) -> Floats:
    account, unit = bought.account[purchase], bought.unit[purchase]
    share = 0.10 + 0.55 * company.feeling[account] + 0.40 * company.unit_satisfaction[unit] - 0.30 * bought.trouble[purchase]
    better = gaming.at_work(Attack.REAL_IMPROVEMENT, unit, bought.occurred_at[purchase])
    return np.clip(share + np.where(better, 0.10, 0.0) + random.normal(0.0, 0.15, len(purchase)), 0.0, 0.999)


def _scores(share: Floats, survey: Int64s) -> Int64s:
    return np.asarray(LOW[survey] + (share * (HIGH[survey] - LOW[survey] + 1)).astype(np.int64))


def _blank(bought: Purchases, purchase: Int64s, survey: Int64s, share: Floats, random: np.random.Generator) -> Responses:
    """Responses of customers who answer for themselves, at the time of the purchase and in its channel."""
    n = len(purchase)
    account = bought.account[purchase]
    questions = np.array([len(one.drivers) for one in SURVEYS])[survey]
    no = np.full(n, -1)
    return Responses(
        account=account, unit=bought.unit[purchase], agent=bought.agent[purchase], channel=bought.channel[purchase], purchase=purchase, chance=no,
        survey=survey, occurred_at=bought.occurred_at[purchase], share=share, score=_scores(share, survey), device=account,
        contact_class=random.choice([CUSTOMER, FREE, UNKNOWN], n, p=[0.45, 0.45, 0.10]),
        duration_ms=(random.lognormal(9.6, 0.55, n) * (1 + 0.4 * questions)).astype(np.int64), text=np.full(n, PLAIN),
        asked=np.where(random.random(n) < 0.25, DENIED, NOT_ASKED), straight=random.random(n) < 0.04, gamed=np.zeros(n, bool),
    )  # fmt: skip


def _invited(company: Company, bought: Purchases, chances: Chances, gaming: Gaming, random: np.random.Generator) -> Responses:
    asked = np.flatnonzero(chances.sent & ~chances.bounced)
    share = _opinion(company, bought, chances.purchase[asked], gaming, random)
    # The very happy and the very unhappy answer more often, and staff always answer what they sent to themselves.
    hijacked = chances.contact_class[asked] == STAFF
    answers = hijacked | (random.random(len(asked)) < 0.16 + 0.45 * np.abs(share - 0.65))
    asked, share, hijacked = asked[answers], share[answers], hijacked[answers]
    lag = np.minimum(random.lognormal(2.4, 1.1, len(asked)), 28 * 24)
    responses = _blank(bought, chances.purchase[asked], chances.survey[asked], share, random)
    unit = responses.unit
    return replace(
        responses,
        chance=asked,
        channel=chances.channel[asked],
        occurred_at=later(chances.sent_at[asked] + 90_000_000, lag / 24),
        contact_class=np.where(hijacked, STAFF, chances.contact_class[asked]),
        score=np.where(hijacked, HIGH[responses.survey], responses.score),
        device=np.where(hijacked, -1 - unit * 10 - random.integers(4, 6, len(asked)), responses.device),
        gamed=hijacked,
    )


def _spontaneous(company: Company, bought: Purchases, gaming: Gaming, random: np.random.Generator) -> Responses:
    purchase = np.flatnonzero(random.random(len(bought.account)) < company.plan.mix.spontaneous)
    survey = random.choice([VISIT, 0, REVIEW], len(purchase), p=[0.55, 0.20, 0.25])
    share = _opinion(company, bought, purchase, gaming, random)
    responses = _blank(bought, purchase, survey, share, random)
    channel = np.where(survey == REVIEW, WEB, np.where(survey == VISIT, KIOSK, APP))
    minutes = np.where(channel == KIOSK, random.exponential(4.0, len(purchase)) + 1, random.exponential(2000.0, len(purchase)) + 5)
    # A kiosk is one device for many honest customers.
    device = np.where(channel == KIOSK, -1 - responses.unit * 10, responses.device)
    duration_ms = np.where(channel == KIOSK, responses.duration_ms // 3, responses.duration_ms)
    occurred_at = later(responses.occurred_at, minutes / 1440)
    return replace(responses, channel=channel, device=device, duration_ms=duration_ms, occurred_at=occurred_at)


def _influence(honest: Responses, gaming: Gaming, random: np.random.Generator) -> Responses:
    """What units make of the answers of real customers."""
    n = len(honest.account)
    unit, occurred_at, strength = honest.unit, honest.occurred_at, gaming.strength[honest.unit]
    drawn, second = random.random(n), random.random(n)
    top = HIGH[honest.survey]

    def hit(attack: Attack, rate: float) -> Bools:
        return np.asarray(gaming.at_work(attack, unit, occurred_at) & (drawn < np.minimum(rate * strength, 0.95)))

    begged = hit(Attack.BEGGING, 0.5)
    begged_well = begged & (second < 0.5)
    bribed = hit(Attack.BRIBING, 0.5) & (honest.share < 0.8)
    coached = hit(Attack.COACHED_TEXT, 0.4)
    pushed = hit(Attack.MONTH_END_PUSH, 0.6) & end_of_month(occurred_at)
    filled = hit(Attack.STAFF_FILLS, 0.4)
    changed = begged_well | bribed | coached | pushed | filled
    text = np.where(begged & (second < 0.12), BEGGED, np.where(bribed & (second < 0.15), BRIBED, np.where(coached, COACHED_TEXT, honest.text)))
    admits = (begged & (random.random(n) < 0.5)) | (pushed & (random.random(n) < 0.3))
    return replace(
        honest,
        score=np.where(changed, top, honest.score),
        text=text,
        asked=np.where(admits, ADMITTED, honest.asked),
        duration_ms=np.where(filled, random.integers(1_800, 6_000, n), honest.duration_ms),
        straight=honest.straight | filled,
        device=np.where(filled, -1 - unit * 10 - 3, honest.device),
        gamed=honest.gamed | (changed & (honest.score < top)) | filled,
    )


def _stuff(company: Company, played: Responses, gaming: Gaming, random: np.random.Generator) -> Responses:
    """Responses that no customer gave, some hours after real ones of the same unit."""
    n = len(played.account)
    ballot = gaming.at_work(Attack.BALLOT_STUFFING, played.unit, played.occurred_at)
    stealth = gaming.at_work(Attack.STEALTH_STUFFING, played.unit, played.occurred_at)
    rate = np.where(ballot, 0.8, np.where(stealth, 0.5, 0.0)) * gaming.strength[played.unit]
    copied = np.flatnonzero(random.random(n) < np.minimum(rate, 1.0))
    fakes = _take(played, copied)
    blatant, count = ballot[copied], len(copied)
    account = random.integers(0, company.plan.accounts, count)
    hours = np.where(blatant, random.exponential(2.0, count), random.exponential(30.0, count))
    survey = np.where(fakes.survey == REVIEW, REVIEW, VISIT)
    nothing = np.full(count, -1)
    return replace(
        fakes,
        account=account,
        purchase=nothing,
        chance=nothing,
        survey=survey,
        channel=np.full(count, WEB),
        occurred_at=later(fakes.occurred_at, hours / 24),
        share=np.full(count, 0.97),
        score=HIGH[survey],
        device=np.where(blatant, -1 - fakes.unit * 10 - random.integers(6, 9, count), account),
        duration_ms=np.where(blatant, random.integers(1_500, 5_000, count), fakes.duration_ms),
        text=np.where(blatant & (random.random(count) < 0.5), COACHED_TEXT, PLAIN),
        asked=nothing,
        gamed=np.ones(count, bool),
    )
