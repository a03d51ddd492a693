"""``candor serve`` as people use it: a real broker, the real engine, a real Chromium, and sites that mean no good."""

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import yaml
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from playwright.sync_api import Browser, expect

from schemas.catalog import Catalog
from schemas.enums import Topic
from schemas.rows import Table
from schemas.topics import ADJUDICATIONS
from sinks.catalog import write_catalog
from sinks.checkpoints import ClickHouseCheckpoints
from sinks.clickhouse import connect
from sinks.copies import Copies, database_of_copies
from sinks.migrate import Migrator
from streams.broker import LocalBroker
from streams.broker.ready import free_port
from streams.connections import admin
from streams.files import write_events
from streams.replay import Replay
from streams.reporting import Asked, write_report
from streams.settings import Settings, load_settings
from streams.simulate import Plan, simulate
from streams.stages import chained_stages
from streams.topics_admin import create_topics
from tests.chromium import DESK, PHONE, Scheme, chromium, opened
from tests.conftest import wait_for
from tests.sinks.rows import rows
from tests.web import text_of

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
DECIDED, OPEN = "u/shared_devices/2026-01-05", f"{HOSTILE}/level_shift/2026-01-06"


def finding(finding_id: str) -> str:
    return f"finding?id={quote(finding_id, safe='')}"


@dataclass(frozen=True)
class Served:
    """A server that runs, and what it reads."""

    url: str
    settings: Settings
    figures: int
    """Pictures of the report about the same numbers."""

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> tuple[int, str, Mapping[str, str]]:
        """Status, text and headers of an answer."""
        host, port = self.url.removeprefix("http://").rstrip("/").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), dict(answer.getheaders())
        finally:
            connection.close()

    def decisions(self) -> list[dict[str, object]]:
        """Everything on the topic of adjudications."""
        topic = self.settings.topic_prefix + ADJUDICATIONS.name
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka_bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False)
        try:
            partitions = [TopicPartition(topic, number) for number in range(self.settings.partitions)]
            consumer.assign(partitions)
            ends = consumer.end_offsets(partitions)
            found: list[dict[str, object]] = []
            while sum(ends.values()) > len(found):
                for records in consumer.poll(timeout_ms=500).values():
                    found += [json.loads(record.value) for record in records]
            return found
        finally:
            consumer.close()


@contextmanager
def serving(folder: Path, settings: Settings, *arguments: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """``candor serve`` on a free port of this machine, ended as an operator ends it."""
    log = folder / f"serve-{secrets.token_hex(4)}.log"
    command = [sys.executable, "-m", "streams.commands", "serve", "--port", "0", "--interval", "1", *arguments]
    environment = {
        **os.environ,
        "CANDOR_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "CANDOR_CLICKHOUSE_URL": settings.clickhouse_url.get_secret_value(),
        "CANDOR_TOPIC_PREFIX": settings.topic_prefix,
        "CANDOR_GROUP": settings.group,
    }
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as server:
        try:
            wait_for(lambda: "until told to stop" in log.read_text(), 60, log.read_text)
            found = re.search(r"serving (http://\S+)", log.read_text())
            assert found is not None
            yield found[1], server
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
            wait_for(lambda: server.poll() is not None, 30, log.read_text)
            assert server.returncode == 0, log.read_text()
            assert "Traceback" not in log.read_text()
        finally:
            server.kill()


def fill(settings: Settings, folder: Path) -> int:
    """A small company, and two findings beside: one about a unit with a hostile name, one that was decided about for a hostile reason."""
    simulation = simulate(Plan(events=6_000, units=8, accounts=300, months=3))
    catalog = Catalog.model_validate(yaml.safe_load(simulation.catalog()))
    events = folder / "events.ndjson"
    write_events(events, simulation.records())
    clickhouse = connect(settings.clickhouse_url.get_secret_value())
    Migrator(clickhouse).apply()
    write_catalog(clickhouse, catalog)
    Replay(chained_stages(settings, catalog), clickhouse, ClickHouseCheckpoints(clickhouse)).run([events])
    days = {name: date(2026, 1, 5) for name in ("since", "raised_on", "sounded_on")}
    of = {"family": "identity", "plan_id": "", "plan_units": [], "standing": True, "raised_at": datetime(2026, 12, 5, 9, tzinfo=UTC), **days}
    found = [
        {"finding_id": DECIDED, "unit_id": "u", "detector": "shared_devices", "evidence": "evidence", **of},
        {"finding_id": OPEN, "unit_id": HOSTILE, "detector": "level_shift", "evidence": HOSTILE, **of},
    ]
    clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, *found))
    decision = {"finding_id": DECIDED, "unit_id": "u", "plan_id": None, "decision": "confirmed", "reason": HOSTILE, "decided_by": HOSTILE}
    clickhouse.insert(Table.ADJUDICATIONS, rows(Table.ADJUDICATIONS, decision))
    page = folder / "report.html"
    write_report(clickhouse, Asked(), page)
    clickhouse.close()
    return page.read_text().count("<figure")


@pytest.fixture(scope="module")
def served(broker: LocalBroker, clickhouse_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder, name = tmp_path_factory.mktemp("serve"), f"t{secrets.token_hex(4)}"
    settings = load_settings(
        kafka_bootstrap_servers=broker.bootstrap_servers,
        clickhouse_url=f"http://default@{clickhouse_server}/{name}",
        topic_prefix=f"{name}.",
        group=name,
        partitions=2,
    )
    with admin(settings) as client:
        create_topics(client, settings)
    figures = fill(settings, folder)
    with serving(folder, settings) as (url, _):
        served = Served(url, settings, figures)
        wait_for(lambda: "The pictures below were made" in served.ask("GET", "/now")[1], 180, lambda: served.ask("GET", "/now")[1])
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize(
    ("width", "scheme", "path"),
    [(DESK, "light", ""), (PHONE, "dark", ""), (DESK, "dark", finding(DECIDED)), (PHONE, "light", finding(OPEN))],
    ids=["page-desk", "page-phone", "decided-desk", "open-phone"],
)
def test_the_page_and_a_finding_are_whole_and_accessible(browser: Browser, served: Served, width: int, scheme: Scheme, path: str) -> None:
    pictures = 0 if path else served.figures + 1
    with opened(browser, served.url + path, width=width, scheme=scheme) as visit:
        assert visit.page.locator("figure").count() == pictures
        assert visit.violations() == []
        assert visit.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        assert visit.page.title() != "taken"
        assert visit.page.locator("img").count() == 0
        assert visit.said == []
        assert all(url.startswith(served.url) for url in visit.asked)
        visit.picture(f"serve-{'finding' if path else 'page'}-{scheme}")


def test_the_page_follows_the_stream_without_being_loaded_again(browser: Browser, served: Served) -> None:
    with opened(browser, served.url) as visit:
        visit.page.evaluate("window.kept = true")
        row = visit.page.locator("tr", has=visit.page.locator("th", has_text=re.compile("^actions$")))
        before = int(row.locator("td").nth(1).inner_text().replace(",", ""))
        visit.page.locator("#findings a").first.focus()
        producer = KafkaProducer(bootstrap_servers=served.settings.kafka_bootstrap_servers)
        for number in range(137):
            producer.send(served.settings.topic_prefix + Topic.ACTIONS, key=b"%d" % number, value=b"{}")
        producer.close()
        expect(row.locator("td").nth(1)).to_have_text(str(before + 137), timeout=60_000)
        expect(row.locator("td").nth(3)).to_have_text(str(before + 137), timeout=60_000)
        assert visit.page.evaluate("window.kept")
        assert visit.page.evaluate("document.activeElement.matches('#findings a')"), "the focus was lost"
        assert visit.said == []


def test_without_script_the_page_says_what_it_knows_and_how_to_look_again(browser: Browser, served: Served) -> None:
    with opened(browser, served.url, script=False) as visit:
        assert visit.page.locator("#stream tbody tr").count() == 9
        visit.page.get_by_role("link", name="look again").click()
        assert visit.page.url == served.url


def test_a_decision_is_made_on_the_page_and_lies_on_the_topic(browser: Browser, served: Served) -> None:
    before = served.decisions()
    with opened(browser, served.url) as visit:
        page = visit.page
        page.locator("#findings a", has_text="level_shift").click()
        page.keyboard.press("Tab")
        page.get_by_label("dismissed").check()
        page.get_by_label("Who decides").fill("m.rossi")
        page.get_by_label("Why").fill(f"  I have seen it: {HOSTILE} ")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("sent and is kept")
        assert page.title() != "taken"
        assert visit.said == []
        (cookie,) = page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
    (decision,) = [one for one in served.decisions() if one not in before]
    assert {name: decision[name] for name in ("event_type", "finding_id", "unit_id", "decision", "reason", "decided_by")} == {
        "event_type": "finding.adjudicated",
        "finding_id": OPEN,
        "unit_id": HOSTILE,
        "decision": "dismissed",
        "reason": f"I have seen it: {HOSTILE}",
        "decided_by": "m.rossi",
    }


def test_what_cannot_be_sent_is_said_and_nothing_entered_is_lost(browser: Browser, served: Served) -> None:
    before = served.decisions()
    with opened(browser, served.url + finding(OPEN)) as visit:
        page = visit.page
        page.evaluate("document.querySelector('form').noValidate = true")
        page.get_by_label("Why").fill(HOSTILE)
        page.get_by_label("Who decides").fill("m.rossi")
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("the verdict")
        assert page.get_by_label("Why").input_value() == HOSTILE
        assert page.get_by_label("Who decides").input_value() == "m.rossi"
        assert page.title() != "taken"
    assert served.decisions() == before


def test_another_site_cannot_make_a_browser_decide(browser: Browser, served: Served) -> None:
    """Not even with the token of the session that the browser has."""
    before = served.decisions()
    context = browser.new_context()
    page = context.new_page()
    page.goto(served.url + finding(OPEN))
    token = page.locator("input[name=token]").get_attribute("value") or ""
    fields = {"finding_id": DECIDED, "token": token, "decision": "dismissed", "reason": "r", "decided_by": "d"}
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    form = f'<form method=post action="{served.url}decide">{inputs}</form>'
    # localhost is another site than 127.0.0.1, and as near.
    for site in ("http://evil.example/", "http://localhost:1/"):
        page = context.new_page()
        page.route(f"{site}**", lambda route: route.fulfill(body=form, content_type="text/html"))
        page.goto(site)
        with page.expect_response(f"{served.url}decide") as answered:
            page.evaluate("document.forms[0].submit()")
        assert answered.value.status == 403
    page = context.new_page()
    framed = f'<iframe src="{served.url}"></iframe>'
    page.route("http://frame.example/**", lambda route: route.fulfill(body=framed, content_type="text/html"))
    page.goto("http://frame.example/")
    assert "Candor" not in (page.frames[1].content() if len(page.frames) > 1 else "")
    context.close()
    assert served.decisions() == before


def _form(token: str, **fields: str) -> str:
    return urlencode({"finding_id": DECIDED, "token": token, "decision": "dismissed", "reason": "r", "decided_by": "d", **fields})


def test_requests_that_are_not_from_the_form_are_refused(served: Served) -> None:
    before = served.decisions()
    status, text, headers = served.ask("GET", f"/{finding(DECIDED)}")
    cookie, token = headers["Set-Cookie"].split(";")[0], re.findall(r'name="token" value="(\w+)"', text)[0]
    _, other, _ = served.ask("GET", f"/{finding(DECIDED)}")
    foreign = re.findall(r'name="token" value="(\w+)"', other)[0]
    good = {"Origin": served.url.rstrip("/"), "Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
    assert status == 200
    for why, wanted, changed, body in (
        ("no token", 403, good, _form("")),
        ("the token of another session", 403, good, _form(foreign)),
        ("no session", 403, {**good, "Cookie": ""}, _form(token)),
        ("another origin", 403, {**good, "Origin": "http://evil.example"}, _form(token)),
        ("no origin", 403, {name: value for name, value in good.items() if name != "Origin"}, _form(token)),
        ("another site", 403, {**good, "Sec-Fetch-Site": "cross-site"}, _form(token)),
        ("another name", 421, {**good, "Host": "evil.example"}, _form(token)),
        ("no form", 403, {**good, "Content-Type": "text/plain"}, _form(token)),
        ("no text", 403, good, _form(token) + "&x=\u00e9"),
        ("too many fields", 403, good, _form(token) + "&x=1" * 20),
        ("too large", 413, good, _form(token, reason="x" * 200_000)),
        ("too long", 422, good, _form(token, reason="x" * 10_001)),
        ("no verdict", 422, good, _form(token, decision="perhaps")),
        ("no such finding", 404, good, _form(token, finding_id="u/level_shift/2026-01-01")),
    ):
        status, text, headers = served.ask("POST", "/decide", changed, body)
        assert (why, status) == (why, wanted)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert served.ask("GET", f"/decide?{_form(token)}", good)[0] == 405
    assert served.ask("GET", "/", {"Host": "rebound.example"})[0] == 421
    assert served.ask("GET", "/../../etc/passwd")[0] == 404
    assert served.ask("GET", "/finding?id=none")[0] == 404
    assert served.decisions() == before
    # What is refused above is refused for what was changed.
    status, _, headers = served.ask("POST", "/decide", good, _form(token, reason="\U0001f600" * 10_000))
    assert (status, headers["Location"]) == (303, f"/{finding(DECIDED)}&sent")
    assert len(served.decisions()) == len(before) + 1


def test_pictures_are_made_from_copies_where_that_is_asked_for(served: Served, tmp_path: Path) -> None:
    later = {
        **{name: date(2026, 1, 7) for name in ("since", "raised_on", "sounded_on")},
        "finding_id": "after-copies/shared_devices/2026-01-07",
        "unit_id": "later",
        "detector": "shared_devices",
        "family": "identity",
        "evidence": "evidence",
        "plan_id": "",
        "plan_units": [],
        "raised_at": datetime(2027, 1, 5, 9, tzinfo=UTC),
    }
    with closing(connect(served.settings.clickhouse_url.get_secret_value())) as clickhouse:
        # What is not copied leads back to its view.
        assert {one.name for one in Copies(clickhouse).make(["loyalty_daily", "findings"])} == {"loyalty_daily", "findings"}
        clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, {**later, "standing": True}))
        try:
            with serving(tmp_path, served.settings, "--copies", "--pictures", "1") as (url, _):
                from_copies = replace(served, url=url)
                wait_for(lambda: "Read from copies" in from_copies.ask("GET", "/")[1], 120, lambda: from_copies.ask("GET", "/now")[1])
                page = from_copies.ask("GET", "/")[1]
                clickhouse.command(f"DROP DATABASE {database_of_copies(clickhouse.address).database}")
                wait_for(lambda: "run: candor materialize" in from_copies.ask("GET", "/now")[1], 120, lambda: from_copies.ask("GET", "/now")[1])
        finally:
            clickhouse.insert(Table.FINDINGS, rows(Table.FINDINGS, {**later, "standing": False, "version": 2}))
    assert page.count("<figure") == served.figures + 1
    assert "Read from copies" not in served.ask("GET", "/")[1]
    # Newest findings and decisions are of the originals.
    assert "after-copies" in page


def test_while_clickhouse_hangs_or_is_away_the_last_pictures_stay_and_the_page_says_so(browser: Browser, served: Served, tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "streams.commands", "clickhouse", "--path", str(tmp_path / "data"), "--port", str(port)]
    with (tmp_path / "clickhouse.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as engine:
        try:
            wait_for(lambda: text_of(f"http://127.0.0.1:{port}/ping") is not None, 60, (tmp_path / "clickhouse.log").read_text)
            url = f"http://default@127.0.0.1:{port}/candor?send_receive_timeout=10"
            clickhouse = connect(url)
            Migrator(clickhouse).apply()
            clickhouse.close()
            settings = served.settings.model_copy(
                update={"clickhouse_url": load_settings(clickhouse_url=url).clickhouse_url, "kafka_bootstrap_servers": f"127.0.0.1:{free_port()}"}
            )
            with serving(tmp_path, settings, "--pictures", "1") as (address, _):
                here = replace(served, url=address)
                wait_for(lambda: "The pictures below were made" in here.ask("GET", "/now")[1], 120, lambda: here.ask("GET", "/now")[1])
                assert "Kafka cannot be seen since" in here.ask("GET", "/")[1]
                engine.send_signal(signal.SIGSTOP)
                wait_for(lambda: "New pictures cannot be made since" in here.ask("GET", "/now")[1], 60)
                engine.send_signal(signal.SIGCONT)
                engine.kill()
                engine.wait()
                with opened(browser, address) as visit:
                    expect(visit.page.locator("#now")).to_contain_text("Those below are of", timeout=60_000)
                    expect(visit.page.locator("#now")).to_contain_text("ClickHouse cannot be seen since", timeout=60_000)
                    assert visit.page.locator("#loyalty").count() == 1
                    assert visit.violations() == []
                    assert here.ask("GET", f"/{finding(DECIDED)}")[0] == 503
        finally:
            engine.kill()


def test_the_page_says_when_its_server_is_gone(browser: Browser, served: Served, tmp_path: Path) -> None:
    with serving(tmp_path, served.settings) as (address, server), opened(browser, address) as visit:
        expect(visit.page.locator("#lost")).to_be_hidden()
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)
        expect(visit.page.get_by_role("alert")).to_contain_text("has lost its server", timeout=60_000)
