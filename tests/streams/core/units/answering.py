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
        number = self._count + 1
        account = str(fields.pop("account_id", f"a{number}"))
        told = {"unit_id": unit_id, "response_id": f"r{number}", "survey_id": "s", "metric": "nps", "score": score}
        self._send(Topic.FEEDBACK, "response.submitted", day, 12, account, {**told, **fields})

    def refund(self, account_id: str, day: int, transaction_id: str = "t") -> None:
        """The account gives back on a day what it bought."""
        told = {"transaction_id": f"b{self._count + 1}", "original_transaction_id": transaction_id, "amount": 1, "currency": "EUR"}
        self._send(Topic.TRANSACTIONS, "transaction.refunded", day, 13, account_id, told)

    def invite(self, unit_id: str, day: int, step: str = "sent", **fields: object) -> None:
        """The unit invites a customer on a day, or takes another step."""
        number = self._count + 1
        account = str(fields.pop("account_id", f"i{number}"))
        self._send(Topic.INVITATIONS, f"invitation.{step}", day, 10, account, {"unit_id": unit_id, "invitation_id": f"i{number}", **fields})

    def sell(self, unit_id: str, day: int, account_id: str, risk_flags: Sequence[str] = ()) -> None:
        """The account buys at the unit on a day, as transaction ``t``."""
        told = {"unit_id": unit_id, "transaction_id": "t", "amount": 1, "currency": "EUR", "risk_flags": list(risk_flags)}
        self._send(Topic.TRANSACTIONS, "transaction.completed", day, 9, account_id, told)

    def _send(self, topic: Topic, event_type: str, day: int, hour: int, account: str, fields: Mapping[str, object]) -> None:
        self._count += 1
        moment = _EPOCH + timedelta(day, hours=hour, seconds=self._count % 3600)
        event = {"event_id": f"e{self._count}", "event_type": event_type, "occurred_at": moment.isoformat(), "account_id": account, **fields}
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
