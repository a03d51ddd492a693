"""The HTTP side: names, headers, forms. Answers come from memory, but for a finding and a decision, which wait in threads of their own."""

import asyncio
import time
from dataclasses import dataclass
from importlib.resources import files
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from schemas.adjudication import LONGEST_REASON
from sinks.base import SinkError
from sinks.clickhouse import ClickHouse
from streams.adjudicating import DecisionRefused, decide, find
from streams.errors import CandorError, ProblemFound
from streams.reporting import style_sheet
from streams.serving.guard import HEADERS, Forbidden, Guard
from streams.serving.pages import Entered, Now, Pages, address, made
from streams.serving.watching import Watching
from streams.settings import Settings

_MOST_BYTES = 12 * LONGEST_REASON + 16_384
"""Of a form: a character of the reason may take four bytes, each written as three."""
_MOST_FIELDS = 10
_NAMES = {"decided_by": "who decides", "decision": "the verdict", "reason": "why"}


@dataclass(frozen=True, slots=True)
class Serving:
    """What the server needs."""

    settings: Settings
    clickhouse: ClickHouse
    watching: Watching
    guard: Guard
    cookie: str
    """Name of the session's cookie: of its own for each port, since browsers keep cookies by host."""
    look_seconds: float


def application(serving: Serving) -> web.Application:
    """The pages and what they are made of."""
    app = web.Application(middlewares=[_guarded(serving.guard)], client_max_size=_MOST_BYTES)
    site = _Site(serving)
    package = files("streams.serving")
    for path, kind, text in (
        ("/style.css", "text/css", style_sheet() + (package / "live.css").read_text(encoding="utf-8")),
        ("/live.js", "text/javascript", (package / "live.js").read_text(encoding="utf-8")),
        ("/icon.svg", "image/svg+xml", (package / "icon.svg").read_text(encoding="utf-8")),
    ):
        app.router.add_get(path, _fixed(text, kind))
    app.router.add_get("/", site.home)
    app.router.add_get("/now", site.now)
    app.router.add_get("/finding", site.finding)
    app.router.add_post("/decide", site.decide)
    return app


def _fixed(text: str, content_type: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=text, content_type=content_type)

    return answer


def _guarded(guard: Guard) -> Middleware:
    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not guard.knows(request.headers.get("Host")):
            answer: web.StreamResponse = web.Response(
                status=421, text="this server does not go by the name in the address; a name that it is to have is given with --name\n"
            )
        else:
            try:
                answer = await handler(request)
            except web.HTTPException as error:
                # What aiohttp itself refuses: no such page, a wrong method, a form that is too large.
                answer = web.Response(status=error.status, text=f"{error.reason}\n")
                if "Allow" in error.headers:
                    answer.headers["Allow"] = error.headers["Allow"]
        answer.headers.update(HEADERS)
        return answer

    return middleware


class _Site:
    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._pages = Pages(serving.look_seconds)

    async def home(self, _: web.Request) -> web.StreamResponse:
        return _html(self._pages.home(self._seen(), time.time()))

    async def now(self, request: web.Request) -> web.StreamResponse:
        seen = self._seen()
        answer = _html(self._pages.now(seen, time.time(), request.query.get("made")))
        answer.headers["Candor-Pictures"] = made(seen.pictures)
        return answer

    async def finding(self, request: web.Request) -> web.StreamResponse:
        return await self._form(request, request.query.get("id", ""), Entered(), 200, sent="sent" in request.query)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        cookie = request.cookies.get(self._serving.cookie)
        try:
            self._serving.guard.demand_own_page(request.headers)
            fields = await _fields(request)
            self._serving.guard.demand_token(cookie, fields.get("token", ""))
        except Forbidden as error:
            return web.Response(status=403, text=f"refused: {error}\n")
        finding_id, decision, reason, decided_by = (fields.get(name, "").strip() for name in ("finding_id", "decision", "reason", "decided_by"))
        clickhouse, settings = self._serving.clickhouse, self._serving.settings
        try:
            await asyncio.to_thread(decide, settings, clickhouse, finding_id, decision=decision, reason=reason, decided_by=decided_by)
        except DecisionRefused as error:
            wrong = f"{_NAMES.get(error.field, error.field)}: {error.problem}"
            return await self._form(request, finding_id, Entered(decision, reason, decided_by, wrong), 422)
        except (CandorError, SinkError) as error:
            status = 404 if isinstance(error, ProblemFound) else 503
            return await self._form(request, finding_id, Entered(decision, reason, decided_by, str(error)), status)
        return web.Response(status=303, headers={"Location": f"{address(finding_id)}&sent"})

    async def _form(self, request: web.Request, finding_id: str, entered: Entered, status: int, *, sent: bool = False) -> web.StreamResponse:
        """The finding with its form, and the session that the form belongs to; where it cannot be read, a page that says why."""
        try:
            found = await asyncio.to_thread(find, self._serving.clickhouse, finding_id)
        except ProblemFound:
            return _html(self._pages.problem("No such finding", f"There is no finding {finding_id}"), 404)
        except SinkError as error:
            return _html(self._pages.problem("Findings cannot be read", entered.problem or str(error)), 503)
        before = request.cookies.get(self._serving.cookie)
        session = self._serving.guard.session(before)
        answer = _html(self._pages.finding(found, self._serving.guard.token(session), entered, sent=sent), status)
        if session != before:
            answer.set_cookie(self._serving.cookie, session, httponly=True, samesite="Strict", path="/")
        return answer

    def _seen(self) -> Now:
        watching = self._serving.watching
        return Now(watching.stream.seen, watching.findings.seen, watching.pictures.seen)


async def _fields(request: web.Request) -> dict[str, str]:
    """The fields of a form; raises ``Forbidden`` for anything else, and aiohttp's error for one that is too large."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise Forbidden("the request is no form")
    body = await request.read()
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Forbidden("the form cannot be read") from None


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")
