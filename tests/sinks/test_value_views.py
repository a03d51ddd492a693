"""Rituals, causes that come back, and what both sides get: small examples by hand, and causes against a count in plain Python."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import NormalDist

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalog import Catalog, Kpi, Ritual
from schemas.enums import RitualKind, Spoke
from schemas.rows import Table
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse
from tests.sinks.growth import measured, moved, outcome, sale, stepped
from tests.sinks.loyalty import one
from tests.sinks.rows import rows

START = datetime(2026, 1, 5, 12, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("with_catalog")


RITUALS = Catalog(
    kpis=(
        Kpi(kpi_id="waiting", orientation="customer"), Kpi(kpi_id="sales", orientation="company"),
        Kpi(kpi_id="effort", orientation="customer", ritual="bonus"),
    ),
    rituals=(
        Ritual(ritual_id="bonus", kind=RitualKind.BONUS, criteria=("sales", "waiting", "years of service"), money_decided=80_000),
        Ritual(ritual_id="budget", kind=RitualKind.BUDGET, criteria=("sales", "hours saved", "hours wasted"), money_decided=240_000),
        Ritual(ritual_id="praise", criteria=("waiting",)), Ritual(ritual_id="lunch", money_decided=5),
    ),
)  # fmt: skip


def test_criteria_that_name_customer_outcomes_are_counted_and_weighed_by_money(clickhouse: ClickHouse) -> None:
    """Bonus: waiting and effort of 4, so half of 80,000. Budget: the objective hours saved of 3, so a third of 240,000.

    Praise decides about no money.
    """
    write_catalog(clickhouse, RITUALS)
    measured(clickhouse, outcome("o", 0, 1, 2, objective_id="hours saved"), outcome("t", 0, 1, 2, objective_id="hours wasted", synthetic=True))

    found = clickhouse.query("SELECT * EXCEPT customer_criteria_names FROM ritual_focus ORDER BY ritual_id").to_pylist()

    names = ("ritual_id", "kind", "criteria", "customer_criteria", "customer_share", "money_decided", "customer_money")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("bonus", "bonus", 4, 2, 0.5, 80_000, 40_000), ("budget", "budget", 3, 1, pytest.approx(1 / 3), 240_000, pytest.approx(80_000)),
        ("lunch", "other", 0, 0, None, 5, None), ("praise", "other", 1, 1, 1, None, None),
    ]  # fmt: skip
    assert one(clickhouse, "SELECT customer_criteria_names FROM ritual_focus WHERE ritual_id = 'bonus'") == {
        "customer_criteria_names": ["effort", "waiting"]
    }
    assert one(clickhouse, "SELECT * FROM ritual_customer_share") == {
        "rituals": 3, "criteria": 8, "customer_criteria": 4, "customer_share": 0.5, "money_decided": 320_000,
        "customer_money": pytest.approx(120_000),
        "ritual_customer_share": pytest.approx(0.375),
    }  # fmt: skip


def test_without_rituals_or_money_nothing_is_weighed(clickhouse: ClickHouse) -> None:
    assert clickhouse.query("SELECT * FROM ritual_customer_share").num_rows == 0

    write_catalog(clickhouse, Catalog(rituals=(Ritual(ritual_id="praise", criteria=("waiting",)),)))

    found = one(clickhouse, "SELECT customer_share, money_decided, ritual_customer_share FROM ritual_customer_share")
    assert found == {"customer_share": 0, "money_decided": None, "ritual_customer_share": None}


def case(name: str, day: float, cause: str | None = "late", account: str = "a", **values: object) -> Mapping[str, object]:
    """A case that began so many days after the start."""
    at = START + timedelta(day)
    return {
        "account_id": account, "case_id": name, "event_type": "case.opened", "occurred_at": at, "day": at.date(), "cause_code": cause,
        "event_id": f"{name}/{day}", "synthetic": False, **values,
    }  # fmt: skip


PREVENTION = "SELECT month, first_occurrences, judged, recurrences, recurred, hassle_prevention FROM hassle_prevention ORDER BY month"


def test_what_comes_back_within_90_days_was_not_prevented(clickhouse: ClickHouse) -> None:
    """Of a: day 0, again on 30 and 90, and once more on 170, within 90 days of the last, but not of the first. Of b: day 10, never again.

    Of c: day 20, again on 111, 91 days later, which is a first occurrence once more. The newest step is on day 190: what began after
    day 100 is not judged.
    """
    stepped(
        clickhouse, case("1", 0), case("2", 30), case("3", 90), case("4", 170), case("5", 10, account="b"), case("6", 20, account="c"),
        case("7", 111, account="c"), case("8", 190, "broken", account="d"), case("9", 40, "broken"), case("10", 11, account="b", synthetic=True),
        case("11", 12, None, account="b"),
    )  # fmt: skip

    found = clickhouse.query(PREVENTION.replace("FROM hassle_prevention", "FROM hassle_prevention WHERE cause_code = 'late'")).to_pylist()

    assert [tuple(row.values()) for row in found] == [
        (date(2026, 1, 1), 3, 3, 2, 1, pytest.approx(1 / 3)), (date(2026, 4, 1), 1, 0, 0, 0, None)
    ]  # fmt: skip


def test_the_cause_is_the_newest_that_is_told_and_a_case_begins_with_its_first_step(clickhouse: ClickHouse) -> None:
    stepped(
        clickhouse, case("1", 0, "unclear"), case("1", 2, "late", event_type="case.assigned"), case("1", 99, None, event_type="case.resolved"),
        case("2", 90, "late"), case("3", 200, "other"),
    )  # fmt: skip

    assert clickhouse.query("SELECT cause_code, recurrences FROM hassle_prevention ORDER BY cause_code").to_pylist() == [
        {"cause_code": "late", "recurrences": 1}, {"cause_code": "other", "recurrences": 0}
    ]  # fmt: skip


def test_of_causes_told_at_one_time_the_later_step_of_a_life_tells(clickhouse: ClickHouse) -> None:
    """As everywhere: opened before resolved, whatever their events are called."""
    stepped(clickhouse, case("1", 0, "guessed", event_id="z"), case("1", 0, "found", event_type="case.resolved", event_id="a"))

    assert clickhouse.query("SELECT cause_code FROM hassle_prevention").to_pylist() == [{"cause_code": "found"}]


CASES = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["late", "broken"]), st.integers(0, 400)), max_size=14)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CASES)
def test_causes_that_come_back_are_those_of_a_count_by_hand(clickhouse: ClickHouse, drawn: list[tuple[str, str, int]]) -> None:
    clickhouse.command(f"TRUNCATE TABLE {Table.CASES}")
    stepped(clickhouse, *(case(f"c{number}", day, cause, account) for number, (account, cause, day) in enumerate(drawn)))
    newest = max((day for *_, day in drawn), default=0)
    expected: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for account, cause in {(account, cause) for account, cause, _ in drawn}:
        days = sorted(day for of, why, day in drawn if (of, why) == (account, cause))
        for place, day in enumerate(days):
            if place and day - days[place - 1] <= 90:
                continue
            sums = expected[cause, (START + timedelta(day)).date().replace(day=1)]
            again = sum(later - day <= 90 for later in days[place + 1 :])
            judged = day + 90 <= newest
            for number, value in enumerate((1, judged, judged * again, judged and again > 0)):
                sums[number] += value

    found = clickhouse.query("SELECT * FROM hassle_prevention").to_pylist()

    assert {
        (row["cause_code"], row["month"]): [row[n] for n in ("first_occurrences", "judged", "recurrences", "recurred")] for row in found
    } == expected
    for row in found:
        assert row["hassle_prevention"] == (pytest.approx(1 - row["recurrences"] / row["judged"]) if row["judged"] else None)


def dealt(clickhouse: ClickHouse, account: str, paid: int, got: int, cost: int | None) -> None:
    """An account that paid so much, vouches for so much value, and cost so much."""
    clickhouse.insert(Table.ACCOUNTS, rows(Table.ACCOUNTS, {"account_id": account, "revenue": Decimal(paid)}))
    moved(clickhouse, sale(account, account, 1, paid, cost_base=None if cost is None else Decimal(cost)))
    measured(clickhouse, outcome(f"o-{account}", 0, 1, 2, account_id=account, value_amount_base=Decimal(got)))


MUTUAL = "SELECT customer_roi, margin, mutual_value, win_win, sides FROM mutual_value WHERE account_id = '{}'"


@pytest.mark.parametrize(
    ("paid", "got", "cost", "expected"),
    [
        (100, 150, 60, (1.5, 0.4, 0.4, True, "both")), (100, 110, 60, (1.1, 0.4, 0.1, True, "both")),
        (100, 150, 120, (1.5, -0.2, -0.2, False, "customer")),
        (100, 80, 60, (0.8, 0.4, -0.2, False, "company")), (100, 80, 130, (0.8, -0.3, -0.3, False, "neither")),
        (100, 100, 60, (1.0, 0.4, 0.0, False, "company")), (100, 150, 100, (1.5, 0.0, 0.0, False, "customer")),
        (100, 150, None, (1.5, None, None, None, None)),
    ],
)  # fmt: skip
def test_both_sides_must_gain(clickhouse: ClickHouse, paid: int, got: int, cost: int | None, expected: tuple[object, ...]) -> None:
    dealt(clickhouse, "a", paid, got, cost)

    found = tuple(one(clickhouse, MUTUAL.format("a")).values())

    assert [pytest.approx(value) if isinstance(value, float) else value for value in expected] == list(found)


def test_where_costs_are_not_known_the_catalog_tells_the_margin_unless_it_counts_revenue(clickhouse: ClickHouse) -> None:
    dealt(clickhouse, "a", 100, 150, None)
    dealt(clickhouse, "b", 100, 150, 90)

    write_catalog(clickhouse, Catalog(margin=0.25))
    assert one(clickhouse, MUTUAL.format("a"))["mutual_value"] == 0.25
    assert one(clickhouse, MUTUAL.format("b"))["mutual_value"] == pytest.approx(0.1)
    write_catalog(clickhouse, Catalog(margin=1.0))
    assert one(clickhouse, MUTUAL.format("a"))["win_win"] is None


def test_over_all_accounts_the_share_has_wilsons_interval(clickhouse: ClickHouse) -> None:
    for number, (got, cost) in enumerate([(150, 60)] * 6 + [(80, 60)] * 2 + [(150, 120), (80, 120)]):
        dealt(clickhouse, f"a{number}", 100, got, cost)
    dealt(clickhouse, "unknown", 100, 150, None)

    found = one(clickhouse, "SELECT * FROM mutual_value_total")

    assert [found[name] for name in ("accounts", "both_gain", "customer_gains", "company_gains", "neither_gains")] == [10, 6, 1, 2, 1]
    z = NormalDist().inv_cdf(0.975)
    for bound in ("win_win_share_low", "win_win_share_high"):
        # Wilson's bounds are where the share lies z standard errors of theirs away.
        share = found[bound]
        assert isinstance(share, float)
        assert abs(0.6 - share) == pytest.approx(z * (share * (1 - share) / 10) ** 0.5, rel=1e-5)
    assert one(clickhouse, "SELECT win_win_share_low < 0.6 AND 0.6 < win_win_share_high AS is_between FROM mutual_value_total") == {"is_between": 1}


def test_a_company_without_known_returns_has_no_row(clickhouse: ClickHouse) -> None:
    moved(clickhouse, sale("a", "1", 1, 100))

    assert clickhouse.query("SELECT * FROM mutual_value").num_rows == 0
    assert clickhouse.query("SELECT * FROM mutual_value_total").num_rows == 0


def effect(cause: str, hub: str, correlation: float | None, linked: bool, n: int = 500, **values: object) -> Mapping[str, object]:
    low = None if correlation is None else correlation - 0.1
    known = {"correlation": correlation, "correlation_low": low, "published": linked, "n": n, "confirmed": linked}
    return {"run_id": "r", "origin": "operations", "cause": cause, "effect": hub, "lag": 0, **known, **values}


def test_a_link_that_the_newest_windows_do_not_confirm_does_not_acquit_a_spoke(clickhouse: ClickHouse) -> None:
    """Of forty pairs that have nothing to do with each other two are linked by chance; their spoke is company-centred all the same."""
    kpis = (
        Kpi(kpi_id="cash", orientation="company", spoke=Spoke.FINANCE), Kpi(kpi_id="debt", orientation="company", spoke=Spoke.FINANCE),
        Kpi(kpi_id="speed", orientation="company", spoke=Spoke.OPERATIONS),
    )  # fmt: skip
    write_catalog(clickhouse, Catalog(kpis=kpis))
    chance = {"confirmed": False}
    found = [
        effect("cash", "vdi", 0.4, True, **chance), effect("debt", "effort", -0.2, True, **chance), effect("debt", "vdi", 0.01, False),
        effect("speed", "effort", 0.6, True, **chance), effect("speed", "vdi", -0.15, True),
    ]  # fmt: skip
    clickhouse.insert(Table.FIT_EFFECTS, rows(Table.FIT_EFFECTS, *found))
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "r", "version": 1}))

    assert clickhouse.command("SELECT countIf(linked) FROM hub_links WHERE spoke = 'finance'") == "2"
    told = clickhouse.query("SELECT * FROM spokes ORDER BY spoke").to_pylist()
    # What harms counts where it is confirmed alone, and so does the strongest link.
    assert [tuple(row.values()) for row in told] == [("finance", 2, 2, 0, 0, None, True), ("operations", 1, 1, 1, 1, -0.15, False)]


def test_spokes_that_nothing_links_with_the_hub_are_company_centred(clickhouse: ClickHouse) -> None:
    """Waiting is better low: with less of it effort rises and hassles fall. Speed of calls is better high, and effort falls with it."""
    kpis = (
        Kpi(kpi_id="waiting", orientation="company", better="lower", spoke=Spoke.OPERATIONS, measure="wait"),
        Kpi(kpi_id="speed", orientation="company", spoke=Spoke.OPERATIONS), Kpi(kpi_id="cash", orientation="company", spoke=Spoke.FINANCE),
        Kpi(kpi_id="mood", orientation="company", spoke=Spoke.EMPLOYEE), Kpi(kpi_id="none", orientation="customer"),
    )  # fmt: skip
    write_catalog(clickhouse, Catalog(kpis=kpis))
    found = [
        effect("wait", "effort", -0.3, True), effect("wait", "hassles", 0.2, True), effect("wait", "hassles", 0.9, True, lag=1),
        effect("speed", "effort", -0.25, True), effect("cash", "effort", 0.01, False), effect("mood", "vdi", 0.5, False, n=199),
        effect("none", "effort", 0.9, True), effect("cash", "spend", 0.9, True), effect("cash", "vdi", 0.9, True, origin="messages"),
        effect("cash", "vdi", 0.9, True, run_id="old"),
    ]  # fmt: skip
    clickhouse.insert(Table.FIT_EFFECTS, rows(Table.FIT_EFFECTS, *found))
    clickhouse.insert(Table.FIT_RUNS, rows(Table.FIT_RUNS, {"run_id": "r", "version": 2}, {"run_id": "old", "version": 1}))

    links = clickhouse.query("SELECT kpi_id, hub, hub_link, helps FROM hub_links WHERE linked ORDER BY ALL").to_pylist()
    assert [tuple(row.values()) for row in links] == [
        ("speed", "effort", -0.25, False), ("waiting", "effort", -0.3, True), ("waiting", "hassles", 0.2, True)
    ]  # fmt: skip
    assert clickhouse.command("SELECT count() FROM hub_links") == "16"
    told = clickhouse.query("SELECT * FROM spokes ORDER BY spoke").to_pylist()
    assert [tuple(row.values()) for row in told] == [
        ("employee", 1, 0, 0, 0, None, None), ("finance", 1, 1, 0, 0, None, True), ("operations", 2, 2, 2, 1, -0.3, False)
    ]  # fmt: skip
