"""``candor dlq``."""

import asyncio
import base64
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from itertools import islice
from pathlib import Path
from typing import Any

import click

from schemas.enums import RejectReason, Topic
from sinks.clickhouse import ClickHouse
from streams.commands.files import FileToWrite
from streams.commands.groups import Group
from streams.commands.output import print_json, print_table, progress, say
from streams.commands.reading import connect_to_read
from streams.errors import ConfigurationError, KafkaUnavailable, ProblemFound
from streams.files import EventWriter, FileRecord
from streams.producing import DECLARED_LIMITS, EventProducer, TopicLimits, record_bytes, topic_limits
from streams.refused import Filters, Refused, count_by_reason, find
from streams.settings import Settings, load_settings

_AGO = re.compile(r"(\d+)([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_PERSONAL = frozenset({"comment"})
"""Fields whose messages may quote a customer's words; list leaves them out."""


class Instant(click.ParamType):
    """A time: RFC 3339 with offset, or so long ago (90m, 12h, 7d)."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The instant in UTC."""
        text = str(value)
        ago = _AGO.fullmatch(text)
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither RFC 3339 nor like 90m, 12h, 7d", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{text!r} has no offset; add Z for UTC", param, ctx)
        return instant.astimezone(UTC)


_FILTERS = (
    click.option("--reason", "reasons", multiple=True, type=click.Choice([reason.value for reason in RejectReason]), help="Why; may be repeated."),
    click.option("--topic", "topics", multiple=True, type=click.Choice([topic.value for topic in Topic]), help="Input topic; may be repeated."),
    click.option("--since", type=Instant(), help="Record timestamp from: RFC 3339, or 90m, 12h, 7d ago."),
    click.option("--until", type=Instant(), help="Record timestamp before."),
    click.option("--field", help="The field at fault."),
    click.option("--message", help="Part of the message."),
    click.option("--key", help="Key of the record: the account."),
)


def _filtered(function: Callable[..., None]) -> Callable[..., None]:
    @wraps(function)
    def with_filters(*, reasons: tuple[str, ...], topics: tuple[str, ...], **rest: Any) -> None:
        names = ("since", "until", "field", "message", "key")
        chosen = {name: rest.pop(name) for name in names}
        function(filters=Filters([RejectReason(reason) for reason in reasons], [Topic(topic) for topic in topics], **chosen), **rest)

    for option in reversed(_FILTERS):
        with_filters = option(with_filters)
    return with_filters


def _table(settings: Settings) -> closing[ClickHouse]:
    return closing(connect_to_read(settings))


@click.group("dlq", cls=Group)
def command() -> None:
    """Find, show, export and replay dead letters: records that could not be used, kept byte for byte."""


@command.command("list")
@_filtered
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most rows.")
@click.option("--by-reason", is_flag=True, help="Only count them by topic and reason.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(filters: Filters, limit: int, by_reason: bool, as_json: bool) -> None:
    """List dead letters, without what customers wrote."""
    columns: tuple[str, ...]
    with _table(load_settings()) as table:
        if by_reason:
            columns = ("topic", "reason", "n")
            rows: list[tuple[object, ...]] = list(count_by_reason(table, filters))
        else:
            columns = ("position", "timestamp", "stage", "reason", "field", "message")
            rows = [_summary(letter) for letter in find(table, filters, limit, largest_value=0)]
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    elif rows:
        print_table(columns, rows)
    else:
        say("no dead letters")


def _summary(letter: Refused) -> tuple[object, ...]:
    message = "may repeat what a customer wrote: see candor dlq show" if letter.field in _PERSONAL else letter.message[:200]
    return letter.position, _instant(letter.record.timestamp), letter.stage, letter.reason, letter.field, message


def _instant(timestamp: int) -> str:
    try:
        return (datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=timestamp)).isoformat(timespec="milliseconds")
    except OverflowError:
        return f"{timestamp} ms since 1970"


@command.command("show")
@click.argument("position")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; bytes that are no text are in base64.")
def show(position: str, as_json: bool) -> None:
    """Show one dead letter whole, customers' words included. POSITION is topic/partition/offset, as list prints it."""
    topic, partition, offset = _parse(position)
    with _table(load_settings()) as table:
        found = list(find(table, Filters(topics=[topic], partition=partition, offset=offset), 1))
    if not found:
        raise ProblemFound(f"there is no dead letter {position}")
    letter = found[0]
    record = letter.record
    shown = {
        "position": letter.position,
        "timestamp_ms": record.timestamp,
        "stage": letter.stage,
        "reason": letter.reason,
        "field": letter.field,
        "message": letter.message,
        "replays": letter.replays,
        "headers": [[name, _readable(value)] for name, value in record.headers],
        "key": _readable(record.key),
        "value": _readable(record.value),
    }
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        click.echo(f"{name}: {'' if value is None else value}")


def _parse(position: str) -> tuple[Topic, int, int]:
    topic, _, rest = position.partition("/")
    partition, _, offset = rest.partition("/")
    if topic not in set(Topic) or not partition.isdigit() or not offset.isdigit():
        raise ConfigurationError(f"{position!r} is not topic/partition/offset, for example feedback/0/17")
    return Topic(topic), int(partition), int(offset)


def _readable(content: bytes | None) -> object:
    if content is None:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(content).decode()}


@command.command("export")
@click.argument("file", type=FileToWrite())
@_filtered
@click.option("--limit", type=click.IntRange(min=1), help="Most records; default: all.")
@click.option("--json", "as_json", is_flag=True, help="Print how many records were written as JSON.")
def export(*, file: Path, filters: Filters, limit: int | None, as_json: bool) -> None:
    """Write the records of dead letters to a file, as they were.

    FILE is NDJSON, or by its suffix .gz or .zst.
    """
    with _table(load_settings()) as table, EventWriter(file) as writer, progress() as bar:
        task = bar.add_task("writing", total=None, rate="")
        for letter in find(table, filters, limit):
            writer.write(letter.record)
            bar.advance(task)
    say(f"{writer.records:,} records written to {file}")
    if as_json:
        print_json({"records": writer.records, "file": str(file)})


@command.command("replay")
@_filtered
@click.option("--limit", type=click.IntRange(min=1), help="Most records; default: all.")
@click.option("--max-replays", type=click.IntRange(min=1), default=3, show_default=True, help="Leave out records that were sent again so often.")
@click.option("--now", "stamp_now", is_flag=True, help="Give records the time of now instead of their own: for in_future.")
@click.option("--dry-run", is_flag=True, help="Only count what would be sent.")
@click.option("--json", "as_json", is_flag=True, help="Print how many records were sent, and left out, as JSON.")
def replay(*, filters: Filters, limit: int | None, max_replays: int, stamp_now: bool, dry_run: bool, as_json: bool) -> None:
    """Send the records of dead letters to their topics again.

    They have the same key, value and headers, and headers that count replays.
    What is refused again becomes a new dead letter, which stands for the old one in the next replay; what was accepted before counts once.
    """
    settings = load_settings()
    filters = Filters(**{name: getattr(filters, name) for name in filters.__slots__} | {"not_sent_again": True})
    limits = _limits(settings, dry_run=dry_run)
    choice = _Choice(max_replays, limits.largest, time.time_ns() // 1_000_000 if stamp_now else None)
    with _table(settings) as table:
        # The limit is of what can be sent: what is left out comes first each time, and would fill it for ever.
        records = islice(choice.records(find(table, filters, largest_value=max(limits.largest.values()))), limit)
        count = sum(1 for _ in records) if dry_run else asyncio.run(_send(settings, limits, records))
    say(f"{count:,} records {'would be sent' if dry_run else 'sent'} again{choice.left_out()}")
    if as_json:
        print_json({"records": count, "sent": not dry_run, "left_out": {"sent_too_often": choice.too_often, "too_large": choice.too_large}})


def _limits(settings: Settings, *, dry_run: bool) -> TopicLimits:
    try:
        return topic_limits(settings)
    except (KafkaUnavailable, ProblemFound) as error:
        if not dry_run:
            raise
        say(f"{error}\nJudging by the limits of topics as candor topics create makes them")
        return DECLARED_LIMITS


@dataclass(slots=True)
class _Choice:
    """Which letters are sent again; counts those that are left out. ``timestamp`` replaces the records' own where it is given."""

    max_replays: int
    largest: Mapping[Topic, int]
    timestamp: int | None
    too_often: int = 0
    too_large: int = 0

    def records(self, letters: Iterable[Refused]) -> Iterator[FileRecord]:
        for letter in letters:
            record = letter.again(self.timestamp)
            if letter.replays >= self.max_replays:
                self.too_often += 1
            elif letter.unread or record_bytes(record) > self.largest[record.topic]:
                self.too_large += 1
            else:
                yield record

    def left_out(self) -> str:
        often = f"; {self.too_often:,} left out: sent {self.max_replays} times" if self.too_often else ""
        large = "too large for their topics (max.message.bytes); candor dlq export writes them to a file"
        return often + (f"; {self.too_large:,} left out: {large}" if self.too_large else "")


async def _send(settings: Settings, limits: TopicLimits, records: Iterable[FileRecord]) -> int:
    with progress() as bar:
        task = bar.add_task("sending again", total=None, rate="")
        async with EventProducer(settings, limits) as producer:
            return await producer.send(records, lambda count: bar.advance(task, count))
