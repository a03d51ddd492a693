"""A company whose answers are written by hand, through accounts stages and units stages."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from schemas.catalog import Catalog
from schemas.enums import Topic
from streams.core.batch import Numbered
from tests.chaos.wire import partition_of
from tests.streams.core.units.fleet import Fleet

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Answers:
    """Feeds a fleet; every answer is of an account of its own unless one is given."""

    def __init__(self, catalog: Catalog, partitions: int) -> None:
        self._fleet = Fleet(catalog, partitions)
        self._partitions = partitions
        self._offsets: Counter[tuple[int, Topic]] = Counter()
        self._waiting: list[list[tuple[Topic, Numbered]]] = [[] for _ in range(partitions)]
        self._count = 0

    def add(self, unit_id: str, day: int, score: float, **fields: object) -> None:
        """An answer of metric nps, unless told otherwise, at noon of a day (days since 1970-01-01)."""
        self._count += 1
        account = str(fields.get("account_id", f"a{self._count}"))
        moment = _EPOCH + timedelta(day, hours=12, seconds=self._count % 3600)
        event = {
            "event_id": f"e{self._count}", "event_type": "response.submitted", "occurred_at": moment.isoformat(), "account_id": account,
            "unit_id": unit_id, "response_id": f"r{self._count}", "survey_id": "s", "metric": "nps", "score": score, **fields,
        }  # fmt: skip
        self._send(Topic.FEEDBACK, account, moment, event)

    def refund(self, account_id: str, day: int, transaction_id: str = "t") -> None:
        """The account gives back on a day what it bought."""
        self._count += 1
        moment = _EPOCH + timedelta(day, hours=13, seconds=self._count % 3600)
        event = {
            "event_id": f"e{self._count}", "event_type": "transaction.refunded", "occurred_at": moment.isoformat(), "account_id": account_id,
            "transaction_id": f"b{self._count}", "original_transaction_id": transaction_id, "amount": 1, "currency": "EUR",
        }  # fmt: skip
        self._send(Topic.TRANSACTIONS, account_id, moment, event)

    def invite(self, unit_id: str, day: int, step: str = "sent", **fields: object) -> None:
        """The unit invites a customer on a day, or takes another step."""
        self._count += 1
        account, moment = str(fields.get("account_id", f"i{self._count}")), _EPOCH + timedelta(day, hours=10, seconds=self._count % 3600)
        event = {
            "event_id": f"e{self._count}", "event_type": f"invitation.{step}", "occurred_at": moment.isoformat(), "account_id": account,
            "unit_id": unit_id, "invitation_id": f"i{self._count}", **fields,
        }  # fmt: skip
        self._send(Topic.INVITATIONS, account, moment, event)

    def sell(self, unit_id: str, day: int, account_id: str, risk_flags: Sequence[str] = ()) -> None:
        """The account buys at the unit on a day, as transaction ``t``."""
        self._count += 1
        moment = _EPOCH + timedelta(day, hours=9, seconds=self._count % 3600)
        event = {
            "event_id": f"e{self._count}", "event_type": "transaction.completed", "occurred_at": moment.isoformat(), "account_id": account_id,
            "unit_id": unit_id, "transaction_id": "t", "amount": 1, "currency": "EUR", "risk_flags": list(risk_flags),
        }  # fmt: skip
        self._send(Topic.TRANSACTIONS, account_id, moment, event)

    def _send(self, topic: Topic, account: str, moment: datetime, event: Mapping[str, object]) -> None:
        partition = partition_of(account.encode(), self._partitions)
        record = Numbered(self._offsets[partition, topic], int(moment.timestamp() * 1000), account.encode(), json.dumps(event).encode())
        self._offsets[partition, topic] += 1
        self._waiting[partition].append((topic, record))

    def tell(self) -> Fleet:
        """So far: other topics rest, and units stages hear of everything."""
        fleet = self._fleet
        for partition, records in enumerate(self._waiting):
            fleet.feed(partition, records)
            fleet.rest(partition, [topic for topic in Topic if topic is not Topic.FEEDBACK])
            fleet.tell(partition)
            records.clear()
        for partition in range(self._partitions):
            fleet.hear(partition)
        return fleet

    def end(self) -> Fleet:
        """Everything has been read, and nothing more comes."""
        self._fleet.end()
        return self._fleet
