"""CSV files, import, replay, ClickHouse: every number is what Polars computes from the files alone."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from sinks.clickhouse import ClickHouse, connect
from streams.commands import cli
from tests.olist import independent
from tests.olist.conftest import EXAMPLE

SUMS = ("n", "top_box", "top_two_box", "score_sum", "score_sum_squares", "revenue")


@pytest.fixture(scope="module")
def clickhouse(olist: Path, clickhouse_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A database that the two commands of the README have filled."""
    events = tmp_path_factory.mktemp("olist") / "olist.ndjson.zst"
    url = f"http://default@{clickhouse_server}/olist"
    environment = {"CANDOR_CATALOG": str(EXAMPLE / "catalog.yaml"), "CANDOR_ENV_FILE": "none.env"}
    for arguments in (["import", str(EXAMPLE / "mapping.yaml"), str(olist), "--out", str(events)], ["replay", str(events), "--clickhouse-url", url]):
        result = CliRunner().invoke(cli, arguments, env=environment)
        assert result.exit_code == 0, result.output
    connected = connect(url)
    yield connected
    connected.close()


def _stored(clickhouse: ClickHouse, sql: str) -> pl.DataFrame:
    found = pl.from_arrow(clickhouse.query(sql))
    assert isinstance(found, pl.DataFrame)
    return found


def _same(stored: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """Row for row, exactly; sums of scores and amounts have no rounding here."""
    assert stored.height == wanted.height
    chosen = stored.select(wanted.columns)
    assert chosen.rows() == wanted.rows()


def test_days(clickhouse: ClickHouse, olist: Path) -> None:
    stored = _stored(clickhouse, f"SELECT day, unit_id, {', '.join(SUMS)} FROM loyalty_daily ORDER BY day, unit_id")

    assert stored["n"].sum() == 8_225
    _same(stored, independent.loyalty(olist, "day", "unit_id"))


def test_only_ratings_by_mail_were_given(clickhouse: ClickHouse) -> None:
    stored = _stored(clickhouse, "SELECT DISTINCT channel, metric, promoters, passives, detractors, flagged, nps FROM loyalty_daily")

    assert stored.rows() == [("email", "rating", 0, 0, 0, 0, None)]


def test_units_over_all_days(clickhouse: ClickHouse, olist: Path) -> None:
    stored = _stored(clickhouse, f"SELECT unit_id, {', '.join(SUMS)} FROM loyalty_by_unit WHERE period = 'all' ORDER BY unit_id")

    _same(stored, independent.loyalty(olist, "unit_id"))


def test_units_in_windows_of_28_days(clickhouse: ClickHouse, olist: Path) -> None:
    columns = f"unit_id, window_start, {', '.join(SUMS)}"
    stored = _stored(clickhouse, f"SELECT {columns} FROM loyalty_by_unit WHERE period = '28 days' ORDER BY unit_id, window_start")

    _same(stored, independent.loyalty(olist, "unit_id", "window_start"))


def test_everything_together(clickhouse: ClickHouse, olist: Path) -> None:
    stored = _stored(clickhouse, f"SELECT {', '.join(SUMS)} FROM loyalty_total WHERE period = 'all'")
    windows = _stored(clickhouse, f"SELECT window_start, {', '.join(SUMS)} FROM loyalty_total WHERE period = '28 days' ORDER BY window_start")

    _same(stored, independent.loyalty(olist))
    _same(windows, independent.loyalty(olist, "window_start"))


def test_everybody_who_was_asked_answered(clickhouse: ClickHouse) -> None:
    stored = _stored(clickhouse, "SELECT DISTINCT response_rate FROM loyalty_by_channel WHERE period = 'all'")

    assert stored.rows() == [(1.0,)]


def test_accounts(clickhouse: ClickHouse, olist: Path) -> None:
    wanted = independent.accounts(olist)
    stored = _stored(clickhouse, f"SELECT {', '.join(wanted.columns)} FROM accounts ORDER BY account_id")
    others = _stored(clickhouse, "SELECT DISTINCT refunds, products_owned, last_score, open_cases FROM accounts")

    assert wanted.height == 8_016
    _same(stored, wanted)
    assert others.rows() == [(Decimal(0), 0, None, 0)]


def test_growth(clickhouse: ClickHouse, olist: Path) -> None:
    wanted = independent.growth(olist)
    stored = _stored(clickhouse, f"SELECT {', '.join(wanted.columns)} FROM growth_monthly ORDER BY month")
    others = _stored(clickhouse, "SELECT DISTINCT customers_earned_new, customers_bought_new, induced_revenue, refunds FROM growth_monthly")

    assert wanted.height == 26
    assert wanted["customers_kept"].sum() > 0
    _same(stored, wanted)
    assert others.rows() == [(0, 0, Decimal(0), Decimal(0))]


def test_transactions(clickhouse: ClickHouse, olist: Path) -> None:
    wanted = independent.payments(olist).select("account_id", "transaction_id", "amount", "occurred_at").sort("transaction_id")
    stored = _stored(clickhouse, "SELECT account_id, transaction_id, amount_base AS amount, occurred_at FROM transactions ORDER BY transaction_id")

    _same(stored, wanted)


def test_responses(clickhouse: ClickHouse, olist: Path) -> None:
    columns = ("account_id", "response_id", "unit_id", "transaction_id", "score", "comment", "day", "occurred_at")
    wanted = independent.reviews(olist).select(columns).sort("response_id")
    stored = _stored(clickhouse, f"SELECT {', '.join(columns)} FROM responses ORDER BY response_id")

    _same(stored, wanted)


def test_nothing_was_refused(clickhouse: ClickHouse) -> None:
    assert clickhouse.command("SELECT count() FROM dead_letters") == "0"
