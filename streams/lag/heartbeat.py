"""Heartbeats: test events that go the whole way, from Kafka to a row that a query finds, so that quiet hours show as well whether all of it works.

They are ``synthetic`` events of the topic operations, to which no state of units or accounts belongs: facts keep them, and nothing counts them. Each
partition has an account whose heartbeats go to it, and they take turns.
"""

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from threading import Event
from typing import NamedTuple

import structlog
from prometheus_client.metrics_core import Metric as Exported
from prometheus_client.registry import Collector

from schemas.enums import Channel, OperationType, Topic
from sinks.base import Reader, SinkError
from streams.errors import CandorError
from streams.files import FileRecord
from streams.metrics import declared
from streams.metrics.collectors import scalar
from streams.producing import EventProducer, partition_hash
from streams.settings import Settings

_log = structlog.get_logger(__name__)
ACCOUNT = "candor-heartbeat-"
"""What the accounts of heartbeats begin with."""
_LOOK_SECONDS = 5.0
"""At most so long between two looks for one that is on its way."""
_SINCE_SECONDS = 86_400.0
"""Older heartbeats are not looked for."""
# Observations of an account are in the order of their times, so that a look reads the end of each account alone.
_NEWEST = """
SELECT
    toUnixTimestamp64Micro(occurred_at) / 1e6 AS sent_at,
    (toUnixTimestamp64Milli(inserted_at) - toUnixTimestamp64Milli(received_at)) / 1e3 AS latency
FROM fact_operations
WHERE account_id IN {accounts:Array(String)} AND observation_id >= {since:String} AND synthetic
ORDER BY sent_at DESC, inserted_at
LIMIT 1
"""


class Passed(NamedTuple):
    """A heartbeat that a query finds."""

    sent_at: float
    """Seconds since 1970, by the clock of whoever sent it."""
    latency: float
    """Seconds from its Kafka timestamp to ``inserted_at``; 0 where clocks say that it was there before."""


def accounts_of(partitions: int) -> Sequence[str]:
    """For each partition an account whose records go to it."""
    found: dict[int, str] = {}
    for number in count():
        name = f"{ACCOUNT}{number}"
        found.setdefault(partition_hash(name.encode()) % partitions, name)
        if len(found) == partitions:
            return [found[partition] for partition in range(partitions)]
    raise AssertionError


def heartbeat(account: str, at: float, sender: str) -> FileRecord:
    """One heartbeat; ``at``, in whole microseconds, and ``sender`` make its identity."""
    instant = _instant(at)
    identity = f"{instant}-{sender}"
    event = {
        "event_id": identity, "event_type": OperationType.OBSERVED, "occurred_at": instant, "account_id": account, "channel": Channel.OTHER,
        "synthetic": True, "observation_id": identity, "measure": "heartbeat", "value": 1,
    }  # fmt: skip
    return FileRecord(Topic.OPERATIONS, round(at * 1_000), account.encode(), json.dumps(event).encode())


def newest(reader: Reader, accounts: Sequence[str], now: float) -> Passed | None:
    """The newest heartbeat of the last day that can be queried; raises ``SinkError``."""
    rows = reader.query(_NEWEST, {"accounts": list(accounts), "since": _instant(now - _SINCE_SECONDS)}).to_pylist()
    return Passed(rows[0]["sent_at"], max(rows[0]["latency"], 0.0)) if rows else None


def _instant(at: float) -> str:
    """Of the same length always, so that text is in the order of time."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Heartbeats(Collector):
    """What is known of heartbeats, one every ``seconds``; ``began`` stands for the newest one that passed until there is one.

    Times are in seconds since 1970. When one was sent stays true while nobody can look; how long it took is not told then.
    """

    def __init__(self, seconds: float, began: float) -> None:
        self._seconds = seconds
        self._sent = 0.0
        self._passed = Passed(began, 0.0)
        self._latency: float | None = None

    @property
    def is_awaited(self) -> bool:
        """Whether one that Kafka took has not been seen."""
        return self._sent > self._passed.sent_at

    def sent(self, at: float) -> None:
        """Kafka took one."""
        self._sent = at

    def saw(self, passed: Passed | None) -> None:
        """A look for the newest one; None: there is none."""
        if passed is not None and passed.sent_at >= self._passed.sent_at:
            self._passed = passed
        # Where none is found, or an older one than before, the table was emptied.
        self._latency = passed.latency if passed is not None else None

    def blind(self) -> None:
        """Nobody could look."""
        self._latency = None

    def collect(self) -> Iterator[Exported]:
        """What is known now. Called in other threads."""
        latency = self._latency
        yield scalar(declared.HEARTBEAT_INTERVAL, [((), self._seconds)])
        yield scalar(declared.HEARTBEAT_SENT, [((), self._sent)])
        yield scalar(declared.HEARTBEAT, [((), self._passed.sent_at)])
        if latency is not None:
            yield scalar(declared.HEARTBEAT_LATENCY, [((), latency)])


def send(settings: Settings, record: FileRecord) -> None:
    """Send one record over a connection of its own; raises ``KafkaUnavailable``, after about a minute also where Kafka is silent."""
    # It would say at every try what is raised in the end.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    asyncio.run(_sent(settings, record))


async def _sent(settings: Settings, record: FileRecord) -> None:
    async with EventProducer(settings) as producer:
        await producer.send([record])


class _Told:
    """Says once that something does not work, and once that it does again."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failing = False

    def failed(self, error: Exception) -> None:
        if not self._failing:
            _log.warning(f"{self._what}_failed", error=str(error))
        self._failing = True

    def well(self) -> None:
        if self._failing:
            _log.info(f"{self._what}_works_again")
        self._failing = False


def keep_beating(heartbeats: Heartbeats, send: Callable[[FileRecord], None], reader: Reader, partitions: int, seconds: float, stop: Event) -> None:
    """Send one every ``seconds`` and look for it until it is there, until told to stop; what is away is asked again."""
    accounts, sender = accounts_of(partitions), secrets.token_hex(4)
    sending, looking = _Told("heartbeat"), _Told("look_for_heartbeat")
    for turn in count():
        due = time.monotonic() + seconds
        # As exact as the row that is looked for: what is finer would never be found.
        at = round(time.time(), 6)
        try:
            send(heartbeat(accounts[turn % partitions], at, sender))
        except CandorError as error:
            sending.failed(error)
        else:
            sending.well()
            heartbeats.sent(at)
        _look_until(due, heartbeats, reader, accounts, looking, min(_LOOK_SECONDS, seconds / 4), stop)
        if stop.is_set():
            return


def _look_until(due: float, heartbeats: Heartbeats, reader: Reader, accounts: Sequence[str], looking: _Told, pause: float, stop: Event) -> None:
    """At least once, and until what was sent is there, or the next one is due."""
    while not stop.wait(pause):
        try:
            heartbeats.saw(newest(reader, accounts, time.time()))
        except SinkError as error:
            looking.failed(error)
            heartbeats.blind()
        else:
            looking.well()
            if not heartbeats.is_awaited:
                break
        if time.monotonic() + pause >= due:
            break
    stop.wait(max(due - time.monotonic(), 0.0))
