"""Chances to ask and what became of them."""

from dataclasses import dataclass

import numpy as np

from schemas.enums import ContactClass, InvitationType, SuppressionReason, Topic
from streams.core.batch import Bools, Floats, Int64s
from streams.simulate.company import EMAIL, REVIEW, SMS, SURVEYS, Company, later
from streams.simulate.events import Events, Head
from streams.simulate.gaming import Attack, Gaming
from streams.simulate.plan import MICROSECONDS_A_DAY
from streams.simulate.purchases import Purchases, transaction_ids
from streams.simulate.text import names

TYPES = tuple(member.value for member in InvitationType)
ELIGIBLE, SAMPLED, SUPPRESSED, SENT, DELIVERED, BOUNCED, OPENED, REMINDED, EXPIRED = range(len(TYPES))
REASONS = tuple(member.value for member in SuppressionReason)
QUARANTINE, OPT_OUT, NO_CONTACT, MANUAL = range(4)
QUARANTINE_DAYS = 30
CLASSES = tuple(member.value for member in ContactClass)
CUSTOMER, STAFF, FREE, ROLE, UNKNOWN = range(len(CLASSES))


@dataclass(frozen=True, slots=True)
class Chances:
    """One entry for each purchase after which the customer could be asked. Times in microseconds since 1970."""

    purchase: Int64s
    survey: Int64s
    channel: Int64s
    probability: Floats
    sampled: Bools
    suppression: Int64s
    """Index into ``REASONS``; -1: not suppressed."""
    gamed: Bools
    """Cherry-picked: the unit kept the customer from being asked."""
    sent_at: Int64s
    sent: Bools
    bounced: Bools
    opened: Bools
    reminded: Bools
    contact_class: Int64s


def ask(company: Company, bought: Purchases, gaming: Gaming, random: np.random.Generator) -> Chances:
    """Who could be asked, who was drawn, who was left out by rule or by hand, who got the message."""
    mix = company.plan.mix
    purchase = np.flatnonzero(random.random(len(bought.account)) < mix.eligible)
    n = len(purchase)
    account, unit, occurred_at = bought.account[purchase], bought.unit[purchase], bought.occurred_at[purchase]
    asked_surveys = np.array([survey.share for survey in SURVEYS[:REVIEW]])
    survey = random.choice(REVIEW, n, p=asked_surveys / asked_surveys.sum())
    rate = mix.sampled * np.array([0.9, 1.0, 1.05, 1.1])[company.unit_peer_group[unit]]
    probability = np.round(np.clip(rate, 0.01, 1.0), 4).astype(np.float64)
    sampled = random.random(n) < probability
    suppression = np.full(n, -1)
    suppression[random.random(n) < 0.04] = NO_CONTACT
    suppression[random.random(len(company.feeling))[account] < 0.03] = OPT_OUT
    suppression[_asked_lately(account, occurred_at, sampled) & (random.random(n) < 0.5)] = QUARANTINE
    picked = gaming.at_work(Attack.CHERRY_PICKING, unit, occurred_at) & bought.trouble[purchase]
    picked &= random.random(n) < np.minimum(0.5 * gaming.strength[unit] + 0.3, 0.95)
    misreported = picked & (random.random(n) < 0.4)
    suppression[picked & ~misreported] = MANUAL
    sent = sampled & (suppression < 0)
    sent_at = later(occurred_at, random.lognormal(2.6, 0.6, n) / 24)
    sent &= sent_at < company.plan.end_us
    bounced = sent & (misreported | (random.random(n) < 0.02))
    opened = sent & ~bounced & (random.random(n) < 0.5)
    hijacked = gaming.at_work(Attack.CONTACT_HIJACK, unit, occurred_at) & (random.random(n) < np.minimum(0.35 * gaming.strength[unit], 0.9))
    contact_class = np.where(hijacked, STAFF, random.choice([CUSTOMER, FREE, ROLE, UNKNOWN], n, p=[0.45, 0.4, 0.05, 0.1]))
    return Chances(
        purchase, survey, np.where(random.random(n) < 0.75, EMAIL, SMS), probability, sampled, suppression, picked, sent_at, sent, bounced,
        opened, sent & ~bounced & ~opened & (random.random(n) < 0.5), contact_class,
    )  # fmt: skip


def _asked_lately(account: Int64s, occurred_at: Int64s, sampled: Bools) -> Bools:
    """Where the account's previous chance was drawn within the quarantine; chances are in order of time."""
    order = np.argsort(account, kind="stable")
    lately = np.zeros(len(account), bool)
    same = account[order][1:] == account[order][:-1]
    near = np.diff(occurred_at[order]) < QUARANTINE_DAYS * MICROSECONDS_A_DAY
    lately[order[1:]] = same & near & sampled[order][:-1]
    return lately


def invitation_ids(index: Int64s) -> list[str]:
    """The id of a chance, by its index."""
    return names("i-%08d", index)


def render_invitations(company: Company, bought: Purchases, chances: Chances, answered: Bools) -> Events:
    """``invitation.*`` events; those that were ``answered`` do not expire."""
    n = len(chances.purchase)
    everyone = np.ones(n, bool)
    start = bought.occurred_at[chances.purchase]
    drawn_at = start + 3_600_000_000
    day = MICROSECONDS_A_DAY
    # Seconds on the way, different for each and the same every time.
    delay = (1 + chances.purchase * 7_919 % 60) * 700_000
    steps: list[tuple[int, Bools, Int64s]] = [
        (ELIGIBLE, everyone, start + 60_000_000),
        (SAMPLED, chances.sampled, drawn_at),
        (SUPPRESSED, chances.sampled & (chances.suppression >= 0), drawn_at + 1_000_000),
        (SENT, chances.sent, chances.sent_at),
        (DELIVERED, chances.sent & ~chances.bounced, chances.sent_at + delay + 200_000),
        (BOUNCED, chances.bounced, chances.sent_at + delay * 3 + 500_000),
        (OPENED, chances.opened, chances.sent_at + delay * 400 + 30_000_000),
        (REMINDED, chances.reminded, chances.sent_at + 5 * day),
        (EXPIRED, chances.sent & ~answered, chances.sent_at + 30 * day),
    ]
    steps = [(step, where & (at < company.plan.end_us), at) for step, where, at in steps]
    type_ = np.concatenate([np.full(int(where.sum()), step) for step, where, _ in steps])
    occurred_at = np.concatenate([at[where] for _, where, at in steps])
    chance = np.concatenate([np.flatnonzero(where) for _, where, _ in steps])
    purchase = chances.purchase[chance]
    account = bought.account[purchase]
    event_ids = names("ie-%09d", chance * 10 + type_)
    head = Head(event_ids, occurred_at, account, bought.unit[purchase], chances.channel[chance], types=TYPES, type=type_)
    objects = head.start(company).text("invitation_id", invitation_ids(chance)).text("transaction_id", transaction_ids(purchase))
    objects.code("survey_id", tuple(survey.survey_id for survey in SURVEYS), chances.survey[chance])
    objects.raw("inclusion_probability", [repr(value) for value in chances.probability[chance].tolist()], type_ <= SAMPLED)
    suppressed = type_ == SUPPRESSED
    objects.code("suppression_reason", REASONS, np.maximum(chances.suppression[chance], 0), suppressed)
    by_hand = suppressed & (chances.suppression[chance] == MANUAL)
    objects.text("suppressed_by", names("e-%05d", bought.unit[purchase] * 100 + bought.agent[purchase]), by_hand)
    reached = type_ >= SENT
    objects.text("contact_hash", [company.contact[who] for who in account.tolist()], reached)
    objects.code("contact_class", CLASSES, chances.contact_class[chance], reached)
    return Events(Topic.INVITATIONS, occurred_at, account, objects.render())
