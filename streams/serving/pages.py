"""The pages, put together from what was seen last: text from data is escaped, whatever it holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from schemas.adjudication import LONGEST_REASON
from schemas.enums import Decision
from streams.reporting import Parts, environment
from streams.serving.intake import MINUTES, Stream
from streams.serving.watching import NewFinding, Pictures, Seen

_LONGEST_NAME = 200
_BAR, _GAP, _HIGH = 36, 4, 80


@dataclass(frozen=True, slots=True)
class Now:
    """What was seen last of everything."""

    stream: Seen[Stream]
    findings: Seen[tuple[NewFinding, ...]]
    pictures: Seen[Pictures]


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody entered into the form of a decision."""

    decision: str = ""
    reason: str = ""
    decided_by: str = ""
    problem: str = ""
    """Why it was not sent, and what to do."""


class Pages:
    """Draws pages. ``look_seconds`` is how often the page may ask what is new."""

    def __init__(self, look_seconds: float) -> None:
        self._look_seconds = look_seconds
        self._templates = environment("streams.serving")
        self._templates.filters |= {"moment": moment, "address": address, "thousands": lambda number: f"{number:,}"}

    def home(self, now: Now, at: float) -> str:
        """The page itself; ``at`` is now, in seconds since 1970."""
        drawn = now.pictures.value
        shown: Parts | None = None if drawn is None else drawn.parts
        follows = Markup(self.now(now, at))  # noqa: S704 (the template escapes)
        return self._drawn("home", now=follows, parts=shown, made=made(now.pictures), seconds=self._look_seconds)

    def now(self, now: Now, at: float, shown: str | None = None) -> str:
        """The part that follows the stream. ``shown`` says which pictures the page has that asks for it."""
        newest = made(now.pictures)
        bars = _bars(now.stream.value) if now.stream.value is not None else []
        return self._drawn(
            "now",
            stream=now.stream,
            findings=now.findings,
            pictures=now.pictures,
            bars=bars,
            most=max((bar["records"] for bar in bars), default=0),
            width=MINUTES * _BAR,
            high=_HIGH,
            minutes=MINUTES,
            ago=lambda moment: ago(at - moment),
            newer=shown is not None and shown != newest,
        )

    def finding(self, finding: Mapping[str, Any], token: str, entered: Entered, *, sent: bool) -> str:
        """A finding, and the form to decide about it."""
        return self._drawn(
            "finding",
            finding=finding,
            token=token,
            entered=entered,
            sent=sent,
            decisions=[(one.value, meaning) for one, meaning in _MEANINGS.items()],
            longest_reason=LONGEST_REASON,
            longest_name=_LONGEST_NAME,
        )

    def problem(self, title: str, told: str) -> str:
        """A page that says why there is none."""
        return self._drawn("problem", title=title, told=told)

    def _drawn(self, name: str, **values: object) -> str:
        return self._templates.get_template(f"{name}.html.j2").render(**values)


_MEANINGS = {Decision.CONFIRMED: "confirmed: it is gaming", Decision.DISMISSED: "dismissed: it is not"}


def made(pictures: Seen[Pictures]) -> str:
    """Which pictures these are; empty: there are none yet."""
    return "" if pictures.value is None else str(pictures.at)


def address(finding_id: str) -> str:
    """Where a finding is decided about."""
    return f"/finding?id={quote(finding_id, safe='')}"


def moment(at: float | datetime) -> str:
    """A time of the clock in UTC."""
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(seconds: float) -> str:
    """How long something is past, as people say it."""
    whole = max(0, int(seconds))
    for size, one, many in ((86_400, "day", "days"), (3_600, "hour", "hours"), (60, "minute", "minutes"), (1, "second", "seconds")):
        if whole >= size:
            number = whole // size
            return f"{number} {one if number == 1 else many} ago"
    return "just now"


def _bars(stream: Stream) -> list[dict[str, Any]]:
    """The minutes as bars: place, height and what they say. The newest is on the right; before the first look there is room."""
    most = max((minute.records for minute in stream.minutes), default=0)
    room = MINUTES - len(stream.minutes)
    return [
        {
            "x": (room + place) * _BAR,
            "width": _BAR - _GAP,
            "height": 0 if most == 0 else round(_HIGH * minute.records / most, 2),
            "records": minute.records,
            "at": f"{datetime.fromtimestamp(minute.start, UTC):%H:%M}",
        }
        for place, minute in enumerate(stream.minutes)
    ]
