"""CPU microseconds an event that decoding takes, by topic and for the mission mix, in batches of several sizes.

Run ``python -m benchmarks.decode [EVENTS]``. Nothing else should run: the figures are CPU time of one thread, best of several rounds.
"""

import json
import random
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.catalog import Catalog
from schemas.enums import InvitationType, Topic
from streams.core.decoding import decode

START_MS = 1_767_225_600_000
BATCH_SIZES = (1_000, 5_000, 20_000)
ROUNDS = 3
MIX: dict[Topic, float] = {
    Topic.TRANSACTIONS: 0.60,
    Topic.INVITATIONS: 0.15,
    Topic.FEEDBACK: 0.12,
    Topic.COMMUNICATIONS: 0.08,
    Topic.OPERATIONS: 0.03,
    Topic.ACTIONS: 0.015,
    Topic.OUTCOMES: 0.005,
}
CHANNELS = ("web", "app", "email", "store")
CATALOG = Catalog.model_validate({"timezone": "Europe/Berlin", "fx_rates": {"USD": 0.91}, "products": [{"product_id": "p-1", "consumable": True}]})


class Record(NamedTuple):
    """A record as Kafka clients give it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...] = ()


def _transaction(draw: random.Random, number: int) -> dict[str, Any]:
    lines = [
        {"product_id": f"p-{draw.randrange(500)}", "quantity": draw.randint(1, 3), "amount": draw.randrange(100, 9_999) / 100}
        for _ in range(draw.randint(1, 3))
    ]
    return {
        "event_type": "transaction.completed" if draw.random() < 0.96 else "transaction.refunded",
        "transaction_id": f"t-{number}",
        "amount": draw.randrange(100, 99_999) / 100,
        "currency": "EUR" if draw.random() < 0.9 else "USD",
        "discount": 0,
        "cost": draw.randrange(100, 9_999) / 100,
        "products": lines,
        "acquisition_reason": "unknown",
        "recurring": False,
    }


def _response(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "event_type": "response.submitted",
        "response_id": f"r-{number}",
        "survey_id": "relationship",
        "invitation_id": f"i-{number}",
        "transaction_id": f"t-{number}",
        "metric": draw.choice(("nps", "csat")),
        "score": draw.randint(1, 5),
        "answers": {"speed": draw.randint(1, 5), "price": draw.randint(1, 5)},
        "comment": "All fine, thank you.",
        "language": "en",
        "duration_ms": draw.randint(5_000, 90_000),
        "contact_hash": f"{draw.getrandbits(64):016x}",
        "contact_class": "customer",
    }


def _invitation(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "event_type": draw.choice(tuple(InvitationType)).value,
        "invitation_id": f"i-{number}",
        "transaction_id": f"t-{number}",
        "survey_id": "relationship",
        "inclusion_probability": 0.25,
        "contact_class": "customer",
    }


def _message(draw: random.Random, number: int) -> dict[str, Any]:
    offers = [f"p-{draw.randrange(500)}" for _ in range(2)]
    return {"event_type": "communication.sent", "message_id": f"m-{number}", "purpose": "sell", "campaign_id": "c-1", "offer_product_ids": offers}


def _operation(draw: random.Random, number: int) -> dict[str, Any]:
    return {"event_type": "operation.observed", "observation_id": f"o-{number}", "measure": "wait_minutes", "value": draw.random() * 60}


def _case(_draw: random.Random, number: int) -> dict[str, Any]:
    return {"event_type": "case.opened", "case_id": f"c-{number}", "response_id": f"r-{number}", "trigger": "detractor"}


def _outcome(draw: random.Random, number: int) -> dict[str, Any]:
    return {
        "event_type": "outcome.recorded",
        "outcome_id": f"u-{number}",
        "objective_id": "faster",
        "baseline": 10,
        "target": 5,
        "current": draw.random() * 10,
        "attested_by": "joint",
    }


_MAKERS: dict[Topic, Callable[[random.Random, int], dict[str, Any]]] = {
    Topic.TRANSACTIONS: _transaction,
    Topic.FEEDBACK: _response,
    Topic.INVITATIONS: _invitation,
    Topic.COMMUNICATIONS: _message,
    Topic.OPERATIONS: _operation,
    Topic.ACTIONS: _case,
    Topic.OUTCOMES: _outcome,
}


def records(topic: Topic, count: int, seed: int = 1) -> list[Record]:
    """Regular records of one topic."""
    draw = random.Random(seed)
    made = []
    for number in range(count):
        at = START_MS + number * 10
        account = f"a-{draw.randrange(50_000)}"
        event = {
            "event_id": f"{topic}-{number}",
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1_000)) + f".{at % 1_000:03d}Z",
            "account_id": account,
            "unit_id": f"u-{draw.randrange(200)}",
            "channel": draw.choice(CHANNELS),
            **_MAKERS[topic](draw, number),
        }
        made.append(Record(number, at, account.encode(), json.dumps(event, separators=(",", ":")).encode()))
    return made


def cpu_microseconds(topic: Topic, made: list[Record], size: int) -> float:
    """CPU microseconds an event, best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for first in range(0, len(made), size):
            decoded = decode(topic, made[first : first + size], CATALOG)
            if decoded.rejected:
                raise SystemExit(f"{topic}: {decoded.rejected[0]}")
        best = min(best, time.process_time() - began)
    return best / len(made) * 1e6


def main() -> None:
    """Print a table: topics down, batch sizes across."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40_000
    print(f"{'us CPU an event':16s} {'bytes':>6s}", *(f"{size:>8,d}" for size in BATCH_SIZES))
    totals = dict.fromkeys(BATCH_SIZES, 0.0)
    for topic, share in MIX.items():
        made = records(topic, count)
        figures = {size: cpu_microseconds(topic, made, size) for size in BATCH_SIZES}
        for size, figure in figures.items():
            totals[size] += share * figure
        width = sum(len(record.value) for record in made) // count
        print(f"{topic.value:16s} {width:6d}", *(f"{figure:8.2f}" for figure in figures.values()))
    print(f"{'mission mix':16s} {'':6s}", *(f"{total:8.2f}" for total in totals.values()))


if __name__ == "__main__":
    main()
