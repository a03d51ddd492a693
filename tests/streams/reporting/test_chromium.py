"""The report as people see it, in a real Chromium; ``make pictures`` leaves it in build/pictures, to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from schemas.enums import Metric
from sinks.clickhouse import ClickHouse
from streams.reporting import find_browser, print_pdf, render
from streams.reporting.numbers import Sums
from streams.reporting.rows import Numbers
from tests.chromium import DESK, PHONE, PICTURES, Opened, Scheme, chromium, opened
from tests.streams.reporting.conftest import asked

_SUSPECTS = """
SELECT unit_id, count() AS findings
FROM findings
WHERE state != 'clear' AND unit_id IN (SELECT unit_id FROM integrity_units WHERE state = 'suspect')
GROUP BY unit_id ORDER BY max(e_value) DESC, unit_id
"""
"""Suspect units, those with the strongest evidence first."""
_GROWTH = "SELECT countIf(earned_new_revenue > 0) AS a, countIf(bought_new_revenue > 0) AS b, countIf(other_new_revenue > 0) AS c FROM growth_monthly"
PAPER = 688
"""Pixels within the margins of a sheet of A4."""
_MARKS = """figures => Object.fromEntries([...document.querySelectorAll('figure')].map(figure => {
  const shown = [...figure.querySelectorAll('svg')].filter(one => one.getBoundingClientRect().width > 0)
  if (shown.length != 1) throw new Error(`${figure.id} shows ${shown.length} pictures`)
  const room = shown[0].getBoundingClientRect()
  const drawn = element => {
    const at = element.getBoundingClientRect(), seen = getComputedStyle(element)
    const coloured = (seen.fill != 'none' && seen.fill != 'rgba(0, 0, 0, 0)') || seen.stroke != 'none'
    return (at.width > 0 || at.height > 0) && coloured && at.left >= room.left - 1 && at.right <= room.right + 1
      && at.top >= room.top - 1 && at.bottom <= room.bottom + 1
  }
  const found = {}
  for (const group of shown[0].querySelectorAll('.role-mark')) {
    const kind = [...group.classList].find(name => name.startsWith('mark-')).slice(5)
    ;(found[kind] ??= []).push([...group.children].filter(drawn).length)
  }
  return [figure.id, found]
}))"""
_LAID_OUT = """() => {
  const wrong = []
  const edge = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth > edge) wrong.push(`the page is ${document.documentElement.scrollWidth} wide`)
  for (const svg of document.querySelectorAll('svg')) {
    const texts = [...svg.querySelectorAll('text')].map(one => [one.textContent, one.getBoundingClientRect(), one]).filter(
      ([text, at, one]) => text && at.width > 0 && getComputedStyle(one).opacity > 0)
    for (const [text, at] of texts) if (at.left < 0 || at.right > edge) wrong.push(`${text} is cut`)
    texts.forEach(([text, one], place) => texts.slice(place + 1).forEach(([other, two]) => {
      const across = Math.min(one.right, two.right) - Math.max(one.left, two.left)
      const down = Math.min(one.bottom, two.bottom) - Math.max(one.top, two.top)
      if (across > 1 && down > 2) wrong.push(`${text} lies on ${other}`)
    }))
  }
  return wrong
}"""
_POSITIONS = """([figure, mark, axis]) => {
  const svg = [...document.querySelectorAll(`#${figure} svg`)].find(one => one.getBoundingClientRect().width > 0)
  const middle = element => { const at = element.getBoundingClientRect(); return [(at.left + at.right) / 2, (at.top + at.bottom) / 2] }
  const groups = [...svg.querySelectorAll('.role-axis')].filter(one => one.querySelector('.role-axis-label text'))
  const scale = groups.map(one => {
    const labels = [...one.querySelectorAll('.role-axis-label text')].map(text => Number(text.textContent.replace('\\u2212', '-')))
    const ticks = [...one.querySelectorAll('.role-axis-tick line')].map(middle)
    return labels.some(Number.isNaN) ? null : labels.map((value, place) => [value, ...ticks[place]])
  }).filter(Boolean)
  return {scale: scale[axis], marks: [...svg.querySelectorAll(`.mark-${mark}.role-mark > *`)].map(middle)}
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def report(numbers: Numbers, tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("report") / "report.html"
    page.write_text(render(numbers), encoding="utf-8")
    return page


@pytest.fixture
def visit(browser: Browser, report: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """The report at a width and in a scheme, with everything that can be unfolded unfolded."""
    asked_for: tuple[int, Scheme] = getattr(request, "param", (DESK, "light"))
    width, scheme = asked_for
    with opened(browser, report.as_uri(), width=width, scheme=scheme) as visit:
        visit.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        yield visit
        assert visit.said == []
        assert visit.asked == [report.as_uri()]


def wanted_marks(numbers: Numbers, company: ClickHouse) -> dict[str, dict[str, list[int]]]:
    """How many marks of which kind each picture must have, from what the views hold."""
    sums = [bucket.sums for bucket in numbers.loyalty]
    points = sum(found is not None for one in sums for found in (one.raw, one.excluded, one.bound_low))
    accounts = asked(
        company,
        "SELECT countDistinct(quadrant, least(9, floor(vdi * 10)), least(9, floor(feeling * 10))) AS squares FROM accounts"
        " WHERE quadrant IS NOT NULL",
    )
    strata = asked(company, "SELECT uniqExact(peer_group) + uniqExact(channel) + uniqExact(is_new) AS n FROM survey_chances")[0]["n"]
    programmes = len({one.programme for one in numbers.follow_up if one.due})
    drivers = asked(company, "SELECT countIf(lmg IS NOT NULL) AS told, countIf(priority IS NOT NULL) AS n FROM drivers")[0]
    wanted = {
        "loyalty-lines": {"symbol": [points], "line": [1, 1, 1], "area": [1, 1]},
        "units-funnel": {"symbol": [len(numbers.funnel)], "rule": [1, len(numbers.funnel)]},
        "value-bubbles": {"symbol": [accounts[0]["squares"]]},
        "matrix-bars": {"rect": [4]},
        "drivers-dots": {"symbol": [drivers["told"], drivers["n"]]},
        "answered-dots": {"symbol": [strata], "rule": [strata]},
        "follow-up-dots": {"symbol": [programmes], "rule": [programmes]},
        "messages-bars": {"rect": [sum((one.selling > 0) + (one.value > 0) for one in numbers.messages)]},
        "growth-bars": {"rect": [sum(asked(company, _GROWTH)[0].values())]},
        "prediction-dots": {"symbol": [n := sum(one.low is not None for one in numbers.prediction)], "rule": [1, n]},
        "mixed-dots": {"symbol": [sum(1 + (one.ratio_paid is not None) for one in numbers.scorecards)]},
    }
    for place, suspect in enumerate(asked(company, _SUSPECTS), 1):
        unit, spans = suspect["unit_id"], suspect["findings"]
        bars = sum((week.n > week.flagged) + (week.flagged > 0) for week in numbers.unit_weeks if week.unit_id == unit)
        wanted[f"evidence-{place}"] = {"rect": [bars, spans], "symbol": [spans]}
    return wanted


@pytest.mark.parametrize("visit", [(DESK, "light"), (PHONE, "dark")], indirect=True, ids=["desk", "phone"])
def test_every_chart_is_drawn_with_a_mark_for_each_of_its_numbers(visit: Opened, numbers: Numbers, company: ClickHouse) -> None:
    found: dict[str, dict[str, list[int]]] = visit.page.evaluate(_MARKS)
    wanted = wanted_marks(numbers, company)
    assert {figure: {kind: marks.get(kind) for kind in wanted.get(figure, ())} for figure, marks in found.items()} == wanted


def _read_off(visit: Opened, figure: str, mark: str, axis: int, direction: int) -> list[float]:
    """The values at which marks lie, by the labels and ticks of an axis; ``direction`` is 0 across, 1 down."""
    seen: dict[str, Any] = visit.page.evaluate(_POSITIONS, [figure, mark, axis])
    (first, *at), (last, *end) = seen["scale"][0], seen["scale"][-1]
    step = (last - first) / (end[direction] - at[direction])
    return [first + step * (place[direction] - at[direction]) for place in seen["marks"]]


def test_marks_lie_where_the_numbers_of_the_views_are(visit: Opened, company: ClickHouse) -> None:
    months = asked(
        company,
        "SELECT toStartOfMonth(day) AS month, toInt64(sum(d.n)) AS n, toInt64(sum(d.promoters)) AS promoters,"
        " toInt64(sum(d.detractors)) AS detractors, toInt64(sum(d.flagged)) AS flagged,"
        " toInt64(sum(d.flagged_promoters)) AS fp, toInt64(sum(d.flagged_detractors)) AS fd"
        " FROM loyalty_daily AS d WHERE metric = 'nps' GROUP BY month ORDER BY month",
    )
    sums = [
        Sums(
            Metric.NPS,
            row["n"],
            row["promoters"],
            row["detractors"],
            flagged=row["flagged"],
            flagged_promoters=row["fp"],
            flagged_detractors=row["fd"],
        )
        for row in months
    ]
    estimates = [found.value for one in sums for found in (one.raw, one.excluded) if found is not None]
    wanted = sorted(estimates + [one.bound_low for one in sums if one.bound_low is not None])
    assert sorted(_read_off(visit, "loyalty-lines", "symbol", 0, 1)) == pytest.approx(wanted, abs=0.3)
    areas = [row["auc"] for row in asked(company, "SELECT auc FROM prediction WHERE low IS NOT NULL")]
    assert sorted(_read_off(visit, "prediction-dots", "symbol", 0, 0)) == pytest.approx(sorted(areas), abs=0.003)


@pytest.mark.parametrize("visit", [(DESK, "light"), (PHONE, "dark")], indirect=True, ids=["desk-light", "phone-dark"])
def test_axe_finds_nothing_wrong(visit: Opened) -> None:
    assert visit.violations() == []


@pytest.mark.parametrize("visit", [(width, "light") for width in (320, PHONE, 700, DESK)], indirect=True, ids=lambda one: str(one[0]))
def test_nothing_is_cut_lies_on_another_or_makes_the_page_scroll_sideways(visit: Opened) -> None:
    assert visit.page.evaluate(_LAID_OUT) == []


def test_everything_is_reached_with_the_keyboard_and_seen_to_be_reached(browser: Browser, report: Path) -> None:
    with opened(browser, report.as_uri()) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"
    with opened(browser, report.as_uri()) as visit:
        page = visit.page
        reached, folded = 0, 0
        while True:
            page.keyboard.press("Tab")
            tag, outline = page.evaluate("[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]")
            if tag == "BODY":
                break
            reached += 1
            assert outline != "none"
            if tag == "SUMMARY":
                folded += 1
                page.keyboard.press("Enter")
        can_be_used = "document.querySelectorAll('a[href], summary, [tabindex=\"0\"]').length"
        assert reached == page.evaluate(can_be_used)
        assert folded == page.evaluate("document.querySelectorAll('details[open]').length") > 10


def test_in_print_everything_is_unfolded_and_within_the_sheet(browser: Browser, report: Path, tmp_path: Path) -> None:
    with opened(browser, report.as_uri(), width=PAPER, scheme="dark") as visit:
        visit.page.emulate_media(media="print")
        assert visit.page.evaluate("[...document.querySelectorAll('table')].filter(one => one.getBoundingClientRect().height == 0).length") == 0
        beyond = "[...document.querySelectorAll('table, svg')].filter(one => one.getBoundingClientRect().right > innerWidth + 1).length"
        assert visit.page.evaluate(beyond) == 0
        assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        visit.picture("report-print")
    printed = tmp_path / "report.pdf"
    print_pdf(find_browser(), report, printed)
    assert printed.read_bytes().startswith(b"%PDF-")
    assert printed.read_bytes().count(b"/Type /Page\n") + printed.read_bytes().count(b"/Type /Page ") > 5
    PICTURES.mkdir(parents=True, exist_ok=True)
    (PICTURES / "report.pdf").write_bytes(printed.read_bytes())


@pytest.mark.parametrize(("name", "width", "scheme"), [("light", DESK, "light"), ("dark", DESK, "dark"), ("phone", PHONE, "light")])
def test_it_is_legible_without_script_and_leaves_a_picture(browser: Browser, report: Path, name: str, width: int, scheme: Scheme) -> None:
    with opened(browser, report.as_uri(), width=width, scheme=scheme, script=False) as visit:
        visit.page.locator("summary").nth(1).click()
        assert visit.page.locator("details[open] table").count() == 1
        visit.picture(f"report-{name}")
