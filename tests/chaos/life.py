"""What happens to one account: good events of all topics, with everything that makes counting hard."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tests.chaos.wire import Fields, Json, any_money, any_time

CURRENCIES = ("EUR", "EUR", "USD", "BRL", "JPY")
CHANNELS = ("web", "app", "email", "sms", "phone", "store", "kiosk", "chat", "partner", "other")
SCALES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "nps": ((0, 10, 1), (0, 10, 1), (0, 10, 0.5), (0, 1, 0.1), (1, 5, 1), (0, 100, 1), (-5, 5, 1), (0, 3, 0.1)),
    "csat": ((1, 5, 1), (1, 10, 1), (0, 100, 25), (0, 1, 0.25)),
    "ces": ((1, 7, 1), (1, 5, 1), (0, 100, 1)),
    "rating": ((1, 5, 1), (1, 5, 0.5), (0, 10, 1)),
}
"""Scales and steps of scores that are asked for; the first is the metric's default."""
WORDS = (
    "great",
    "schlecht, weil zu spät",
    "ótimo 👍",
    "最悪",
    "line one\nline two",
    "",
    "\u0000 control \u001f",
    'quote " and \\ slash',
    "\ufdfa\u202e",
)


@dataclass(slots=True)
class Draft:
    """An event before it is spelled: ``delay`` is the time from its occurrence to its arrival."""

    topic: str
    fields: Fields
    occurred_at: datetime
    delay: timedelta


@dataclass(slots=True)
class Life:
    """Draws the events of one account between ``start`` and ``end``."""

    rng: random.Random
    account_id: str
    units: list[str]
    start: datetime
    end: datetime
    serial: int = 0
    purchases: list[tuple[str, Decimal, str, list[Json] | None, datetime]] = field(default_factory=list)
    responses: list[tuple[str, datetime]] = field(default_factory=list)

    def events(self, size: int) -> Iterator[Draft]:
        """About ``size`` events, purchases first since other things refer to them."""
        for _ in range(max(1, size // 3)):
            yield from self.purchase()
        makers = (self.response, self.response, self.invitation, self.message, self.case, self.outcome, self.observation, self.refund, self.response)
        made = 0
        while made < size * 2 // 3:
            for draft in self.rng.choice(makers)():
                made += 1
                yield draft

    def instant(self) -> datetime:
        """Any time of the span, often a round one, so that ties and midnights are common."""
        chosen = self.start + (self.end - self.start) * self.rng.random()
        match self.rng.randrange(6):
            case 0:
                return chosen.replace(minute=0, second=0, microsecond=0)
            case 1:
                return max(self.start, chosen.replace(hour=self.rng.choice((0, 2, 3, 22, 23)), minute=0, second=0, microsecond=0))
            case 2:
                return chosen.replace(microsecond=0)
            case _:
                return chosen

    def draft(self, topic: str, event_type: str, occurred_at: datetime, **fields: Json) -> Draft:
        """An event with its common fields; most arrive soon, some late, a few much later."""
        rng = self.rng
        self.serial += 1
        common: Fields = {
            "event_id": f"{self.account_id[:40]}/{self.serial}" if rng.random() < 0.6 else f"e-{topic}-{self.serial}",
            "event_type": event_type,
            "occurred_at": any_time(rng, occurred_at),
            "account_id": self.account_id,
        }
        # The id of an event before, perhaps of the same topic; not where one of the two may have been forgotten when the other arrives.
        if rng.random() < 0.01 and self.end - self.start <= timedelta(days=35) and fields.get("revision") is None:
            common["event_id"] = f"e-{topic}-{self.serial - rng.randrange(1, 4)}"
        common |= self.extras(topic, occurred_at)
        delay = rng.choice([timedelta(seconds=rng.random() * 5), timedelta(minutes=rng.random() * 300), timedelta(hours=rng.random() * 240)])
        given = {name: value for name, value in fields.items() if value is not None or rng.random() < 0.1}
        return Draft(topic, {**common, **given}, occurred_at, delay)

    def extras(self, topic: str, occurred_at: datetime) -> Fields:
        """Common fields that may be left out, and fields that nobody knows."""
        rng = self.rng
        common: Fields = {}
        if rng.random() < 0.3:
            common["schema_version"] = rng.choice([1, 1.0])
        if rng.random() < 0.3:
            common["received_at"] = any_time(rng, occurred_at + timedelta(seconds=rng.randrange(-5, 600)))
        if rng.random() < 0.8 or topic in ("feedback", "invitations"):
            common["unit_id"] = rng.choice(self.units)
        for name, values in (("customer_id", ("c-1", "c-2")), ("agent_id", ("ag-1", "ag-ö")), ("channel", CHANNELS)):
            if rng.random() < 0.7:
                common[name] = rng.choice(values)
        if rng.random() < 0.16:
            common["synthetic"] = rng.random() < 0.4
        if rng.random() < 0.05:
            common[rng.choice(("x_unknown", "comment_"))] = {"nested": [1, None, "ü"]}
        return common

    def maybe(self, chance: float, value: Json) -> Json:
        """``value`` with this chance, else null or absent."""
        return value if self.rng.random() < chance else None

    def some(self, *values: Json) -> list[Json]:
        """The first few of the values, perhaps none, perhaps all."""
        return list(values[: self.rng.randrange(len(values) + 1)])

    def lines(self) -> list[Json] | None:
        """Product lines, often none; some are consumables, by the line or by the catalog."""
        rng = self.rng
        if rng.random() < 0.25:
            return rng.choice([None, []])
        lines: list[Json] = []
        for _ in range(rng.choice([1, 1, 2, 4])):
            line: Fields = {"product_id": rng.choice(["p-1", "p-2", "p-3", "p-ñ", "coffee", "filter"])}
            if rng.random() < 0.5:
                line["quantity"] = rng.choice([1, 2, 3, 0.5, 1.25, None])
            if rng.random() < 0.4:
                line["amount"] = any_money(rng, Decimal(rng.randrange(100_000)) / 100)
            if rng.random() < 0.3:
                line["consumable"] = rng.choice([True, False, None])
            lines.append(line)
        return lines

    def purchase(self) -> Iterator[Draft]:
        rng = self.rng
        amount = Decimal(rng.choice([0, 1, 999, 12_345, 10_000_000, rng.randrange(5_000_000)])) / Decimal(rng.choice([1, 100, 10_000]))
        transaction_id = f"t-{len(self.purchases)}" if rng.random() < 0.8 else f"t-{self.account_id[:20]}-{len(self.purchases)}"
        occurred_at, currency, lines = self.instant(), rng.choice(CURRENCIES), self.lines()
        self.purchases.append((transaction_id, amount, currency, lines, occurred_at))
        yield self.draft(
            "transactions",
            "transaction.completed",
            occurred_at,
            transaction_id=transaction_id,
            amount=any_money(rng, amount),
            currency=currency,
            products=lines,
            discount=self.maybe(0.3, any_money(rng, Decimal(rng.randrange(1000)) / 100)),
            cost=self.maybe(0.3, any_money(rng, (amount / 2).quantize(Decimal("0.0001")))),
            is_new_customer=self.maybe(0.2, rng.random() < 0.5),
            acquisition_reason=self.maybe(0.3, rng.choice(["referral", "recommendation", "advertising", "promotion", "sales", "merger", "unknown"])),
            referrer_account_id=self.maybe(0.1, "a-1"),
            recurring=self.maybe(0.2, rng.random() < 0.5),
            risk_flags=self.maybe(0.2, self.some("late_delivery", "complaint")),
        )

    def refund(self) -> Iterator[Draft]:
        """Full, partial, with lines or without, of an unknown purchase, of a refund, sometimes before the purchase."""
        rng = self.rng
        original, amount, currency, lines, bought_at = rng.choice(self.purchases)
        kind = rng.randrange(6)
        given_back, returned = amount, None
        if kind == 0:
            given_back = (amount / 2).quantize(Decimal("0.0001"))
        elif kind == 1:
            returned = self.lines()
        elif kind == 2:
            original = rng.choice(["t-unknown", f"r-{self.serial}"])
        elif kind == 3 and lines:
            returned = [lines[0]]
        occurred_at = self.instant() if rng.random() < 0.3 else min(self.end, bought_at + timedelta(hours=rng.random() * 100))
        yield self.draft(
            "transactions",
            "transaction.refunded",
            occurred_at,
            transaction_id=f"r-{self.serial}" if rng.random() < 0.97 else original,
            original_transaction_id=self.maybe(0.9, original),
            amount=any_money(rng, given_back),
            currency=currency,
            products=returned,
        )

    def answer(self) -> Fields:
        """Metric, scale and score with all that hangs on them."""
        rng = self.rng
        metric = rng.choice(["nps", "nps", "nps", "csat", "ces", "rating"])
        lowest, highest, step = rng.choice(SCALES[metric])
        score = self.score(lowest, highest, step)
        given: Fields = {"metric": metric, "score": score}
        if (lowest, highest) != SCALES[metric][0][:2] or rng.random() < 0.2:
            given |= {"scale_min": lowest, "scale_max": highest}
        if rng.random() < 0.3:
            given["expected_score"] = self.score(lowest, highest, step)
        if rng.random() < 0.2:
            given["competitor_scores"] = [self.score(lowest, highest, step) for _ in range(rng.choice([0, 1, 16]))]
        if rng.random() < 0.3:
            given["answers"] = {name: rng.choice([1, 2.5, -3]) for name in ("price", "staff", "größe")[: rng.randrange(4)]}
        return given

    def score(self, lowest: float, highest: float, step: float) -> Json:
        """A score of the scale, the two top steps more often than others."""
        steps = round((highest - lowest) / step)
        chosen = steps - self.rng.randrange(min(steps, 4)) if self.rng.random() < 0.6 else self.rng.randrange(steps + 1)
        score = min(round(lowest + chosen * step, 6), highest)
        return int(score) if score == int(score) and self.rng.random() < 0.8 else float(score)

    def response(self) -> Iterator[Draft]:
        """A response with revisions that move it, skipped numbers, and withdrawals before and after."""
        rng = self.rng
        response_id = f"r-{len(self.responses)}" if rng.random() < 0.8 else f"r-{self.account_id[:20]}-{len(self.responses)}-ß"
        occurred_at = self.instant()
        self.responses.append((response_id, occurred_at))
        revisions: list[Json] = rng.choice([[None], [None], [1], [1, 2], [1, 2, 3], [1, 3], [2], [5, 1], [1, 2, 2.0]])
        for revision in revisions:
            named = rng.choice([self.purchases[-1][0], rng.choice(self.purchases)[0], "t-unknown", f"t-{len(self.purchases) + 1}", None, None])
            draft = self.draft(
                "feedback",
                "response.submitted",
                occurred_at,
                response_id=response_id,
                survey_id=rng.choice(["s-1", "s-2"]),
                revision=revision,
                transaction_id=named,
                invitation_id=self.maybe(0.4, f"i-{rng.randrange(9)}"),
                asked_for_score=self.maybe(0.2, rng.random() < 0.5),
                told_about_action=self.maybe(0.2, rng.random() < 0.5),
                comment=self.maybe(0.4, rng.choice(WORDS)),
                language=self.maybe(0.3, "pt-BR"),
                landed_at=self.maybe(0.2, any_time(rng, occurred_at - timedelta(seconds=30))),
                duration_ms=self.maybe(0.2, rng.choice([0, 1500, 2.0])),
                device_hash=self.maybe(0.2, "d" * 64),
                ip_prefix_hash=self.maybe(0.2, ""),
                contact_hash=self.maybe(0.2, "h-1"),
                contact_class=self.maybe(0.3, rng.choice(["customer", "staff", "free", "role", "unknown"])),
                **self.answer(),
            )
            yield draft
            if rng.random() < 0.7:
                occurred_at = self.instant()
        if rng.random() < 0.12:
            yield self.draft(
                "feedback",
                "response.withdrawn",
                self.instant(),
                response_id=response_id if rng.random() < 0.9 else f"{response_id}-never-seen",
                survey_id="s-1",
                score=self.maybe(0.3, "anything"),
                revision=self.maybe(0.2, 7),
            )

    def invitation(self) -> Iterator[Draft]:
        rng = self.rng
        invitation_id, at = f"i-{rng.randrange(9)}", self.instant()
        steps = rng.choice(
            [["eligible", "sampled", "sent", "delivered", "opened"], ["eligible", "suppressed"], ["sent", "bounced"], ["sent", "reminded", "expired"]]
        )
        for step in steps:
            yield self.draft(
                "invitations",
                f"invitation.{step}",
                at,
                invitation_id=invitation_id,
                survey_id=self.maybe(0.5, "s-1"),
                transaction_id=self.maybe(0.5, rng.choice(self.purchases)[0]),
                inclusion_probability=self.maybe(0.4, rng.choice([1, 0.25, 1e-6])),
                suppression_reason=self.maybe(0.3, rng.choice(["quarantine", "opt_out", "no_contact", "manual", "no_plan"])),
                suppressed_by=self.maybe(0.1, "rule-1"),
                contact_hash=self.maybe(0.3, "h-1"),
                contact_class=self.maybe(0.3, "free"),
            )
            at = min(self.end, at + rng.choice([timedelta(0), timedelta(seconds=rng.randrange(9000))]))

    def message(self) -> Iterator[Draft]:
        rng = self.rng
        yield self.draft(
            "communications",
            "communication.sent",
            self.instant(),
            message_id=f"m-{self.serial}",
            campaign_id=self.maybe(0.5, "camp-1"),
            purpose=rng.choice(["sell", "upsell", "value_education", "service", "loop_closure", "survey"]),
            offer_product_ids=self.maybe(0.5, self.some("p-1", "p-1", "p-2")),
            response_ids=self.maybe(0.3, self.some("r-0", "r-1")),
        )

    def case(self) -> Iterator[Draft]:
        """Steps in any order; several at the same instant."""
        rng = self.rng
        case_id, at = f"case-{rng.randrange(6)}", self.instant()
        for step in rng.sample(["opened", "assigned", "contacted", "escalated", "resolved", "confirmed", "reopened"], rng.randrange(1, 5)):
            yield self.draft(
                "actions",
                f"case.{step}",
                at,
                case_id=case_id,
                response_id=self.maybe(0.6, f"r-{rng.randrange(4)}"),
                trigger=self.maybe(0.5, rng.choice(["detractor", "text", "risk", "manual"])),
                owner_id=self.maybe(0.4, "o-1"),
                due_at=self.maybe(0.4, any_time(rng, at + timedelta(hours=48))),
                cause_code=self.maybe(0.2, "late"),
                resolution_code=self.maybe(0.2, "refunded"),
            )
            at = min(self.end, at + rng.choice([timedelta(0), timedelta(0), timedelta(seconds=rng.randrange(90_000))]))

    def outcome(self) -> Iterator[Draft]:
        rng = self.rng
        value = self.maybe(0.4, any_money(rng, Decimal(rng.randrange(100_000)) / 100))
        yield self.draft(
            "outcomes",
            "outcome.recorded",
            self.instant(),
            outcome_id=f"o-{rng.randrange(5)}",
            objective_id="objective",
            baseline=rng.choice([0, 10.5]),
            target=rng.choice([100, -3]),
            current=rng.choice([50, 0.001, -7]),
            weight=self.maybe(0.3, rng.choice([2, 0.5])),
            value_amount=value,
            claimed_amount=self.maybe(0.4, "10.00") if value is not None else None,
            currency="USD" if value is not None else self.maybe(0.2, "EUR"),
            attested_by=rng.choice(["customer", "joint", "vendor"]),
            evidence_uri=self.maybe(0.3, "https://example.org/evidence?id=1"),
        )

    def observation(self) -> Iterator[Draft]:
        rng = self.rng
        yield self.draft(
            "operations",
            "operation.observed",
            self.instant(),
            observation_id=f"obs-{self.serial}",
            measure=rng.choice(["wait_seconds", "defects"]),
            value=rng.choice([0, -1.5, 1e12, 3]),
            transaction_id=self.maybe(0.5, rng.choice(self.purchases)[0]),
        )
