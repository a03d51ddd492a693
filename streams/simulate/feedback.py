"""Responses as events: submissions, later revisions, withdrawals."""

from typing import NamedTuple

import numpy as np

from schemas.enums import FeedbackType, Topic
from streams.core.batch import Bools, Int64s
from streams.simulate.answering import HIGH, LOW, NOT_ASKED, Responses
from streams.simulate.asking import CLASSES, invitation_ids
from streams.simulate.comments import kinds_of_text, write
from streams.simulate.company import SURVEYS, Company, later
from streams.simulate.events import Events, Head
from streams.simulate.plan import MICROSECONDS_A_DAY
from streams.simulate.purchases import transaction_ids
from streams.simulate.text import Objects, hashes, names, times

TYPES = tuple(member.value for member in FeedbackType)
REVISED, WITHDRAWN = 0.02, 0.005
_SURVEY_IDS = tuple(survey.survey_id for survey in SURVEYS)


def response_ids(index: Int64s) -> list[str]:
    """The id of a response, by its index."""
    return names("f-%08d", index)


def render_responses(company: Company, given: Responses, random: np.random.Generator) -> list[Events]:
    """``response.submitted`` events, a second and sometimes third revision of a few, and withdrawals."""
    n = len(given.account)
    index, revision = np.arange(n), np.ones(n, np.int64)
    occurred_at, score = given.occurred_at, given.score
    again = np.flatnonzero(random.random(n) < REVISED)
    for number in (2, 3):
        at = later(given.occurred_at[again] + number * MICROSECONDS_A_DAY, random.exponential(5.0, len(again)))
        again, at = again[at < company.plan.end_us], at[at < company.plan.end_us]
        survey = given.survey[again]
        moved = np.clip(given.score[again] + random.integers(-2, 5, len(again)), LOW[survey], HIGH[survey])
        index, revision = np.concatenate((index, again)), np.concatenate((revision, np.full(len(again), number)))
        occurred_at, score = np.concatenate((occurred_at, at)), np.concatenate((score, moved))
        again = again[random.random(len(again)) < 0.1]
    submitted = _submissions(company, given, _Revisions(index, revision, occurred_at, score), random)
    return [submitted, _withdrawals(company, given, random)]


class _Revisions(NamedTuple):
    response: Int64s
    revision: Int64s
    occurred_at: Int64s
    score: Int64s


def _submissions(company: Company, given: Responses, revisions: _Revisions, random: np.random.Generator) -> Events:
    index, revision, occurred_at, score = revisions
    n = len(index)
    account, survey = given.account[index], given.survey[index]
    head = Head(
        names("fe-%08d", index * 10 + revision), occurred_at, account, given.unit[index], given.channel[index], given.agent[index], types=TYPES[:1]
    )  # fmt: skip
    objects = head.start(company).text("response_id", response_ids(index)).integers("revision", revision, revision > 1)
    objects.code("survey_id", _SURVEY_IDS, survey)
    chance, purchase = given.chance[index], given.purchase[index]
    objects.text("invitation_id", invitation_ids(chance), chance >= 0).text("transaction_id", transaction_ids(purchase), purchase >= 0)
    objects.code("metric", tuple(one.metric.value for one in SURVEYS), survey).integers("score", score)
    own_scale = np.array([one.scale is not None for one in SURVEYS])[survey]
    objects.integers("scale_min", LOW[survey], own_scale).integers("scale_max", HIGH[survey], own_scale)
    _add_opinions(given, index, score, objects, random)
    written = (random.random(n) < 0.35) | (given.text[index] > 0)
    special = kinds_of_text(given.text[index], random)
    objects.raw("comment", write(given.share[index], special, written, random), written)
    landed = occurred_at - given.duration_ms[index] * 1000 - 2_000_000
    opened = random.random(n) < 0.8
    objects.text("landed_at", times(landed), opened).integers("duration_ms", given.duration_ms[index], opened)
    _add_traces(company, given, index, objects)
    return Events(Topic.FEEDBACK, occurred_at, account, objects.render())


def _add_opinions(given: Responses, index: Int64s, score: Int64s, objects: Objects, random: np.random.Generator) -> None:
    n, survey = len(index), given.survey[index]
    most = max(len(one.drivers) for one in SURVEYS)
    drivers = np.clip(np.round(given.share[index][:, None] * 10 + random.normal(0, 1.4, (n, most))), 0, 10).astype(np.int64)
    drivers = np.where(given.straight[index][:, None], np.minimum(score, 10)[:, None], drivers)
    names_of = [one.drivers for one in SURVEYS]
    answers = [
        "{" + ",".join([f'"{name}":{value}' for name, value in zip(names_of[which], values, strict=False)]) + "}"
        for which, values in zip(survey.tolist(), drivers.tolist(), strict=True)
    ]
    has_drivers: Bools = np.array([bool(one.drivers) for one in SURVEYS])[survey]
    objects.raw("answers", answers, has_drivers & (random.random(n) < 0.85))
    expected = np.clip(score + random.integers(-2, 3, n), LOW[survey], HIGH[survey])
    objects.integers("expected_score", expected, random.random(n) < 0.15)
    rivals = np.clip(score[:, None] - random.integers(-2, 4, (n, 2)), LOW[survey][:, None], HIGH[survey][:, None])
    objects.raw("competitor_scores", [f"[{first},{second}]" for first, second in rivals.tolist()], random.random(n) < 0.06)
    asked = given.asked[index]
    objects.flags("asked_for_score", asked > 0, asked != NOT_ASKED)
    objects.flags("told_about_action", random.random(n) < 0.45, random.random(n) < 0.10)


def _add_traces(company: Company, given: Responses, index: Int64s, objects: Objects) -> None:
    device, account = given.device[index], given.account[index]
    objects.text("device_hash", hashes(company.plan.seed * 4 + 3, device), device % 17 != 0)
    # Shared devices stand in the shop's network; customers come from about as many networks as there are tens of them.
    network = np.where(device < 0, -1 - given.unit[index], device // 10)
    objects.text("ip_prefix_hash", hashes(company.plan.seed * 4 + 4, network))
    staff = given.contact_class[index] == CLASSES.index("staff")
    own = [company.contact[who] for who in account.tolist()]
    shared = hashes(company.plan.seed * 4 + 5, given.unit[index])
    contact = [of_unit if other else mine for of_unit, mine, other in zip(shared, own, staff.tolist(), strict=True)]
    objects.text("contact_hash", contact, given.chance[index] >= 0)
    objects.code("contact_class", CLASSES, given.contact_class[index], given.contact_class[index] != CLASSES.index("unknown"))


def _withdrawals(company: Company, given: Responses, random: np.random.Generator) -> Events:
    n = len(given.account)
    taken = np.flatnonzero(random.random(n) < WITHDRAWN)
    occurred_at = later(given.occurred_at[taken], random.exponential(12.0, len(taken)))
    kept = occurred_at < company.plan.end_us
    taken, occurred_at = taken[kept], occurred_at[kept]
    head = Head(names("fw-%08d", taken), occurred_at, given.account[taken], given.unit[taken], given.channel[taken], types=TYPES[1:])
    objects = head.start(company).text("response_id", response_ids(taken)).code("survey_id", _SURVEY_IDS, given.survey[taken])
    return Events(Topic.FEEDBACK, occurred_at, given.account[taken], objects.render())
