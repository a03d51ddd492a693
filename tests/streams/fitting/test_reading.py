"""What is read of accounts in windows: counted facts of complete windows alone, whatever copies the tables hold."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from schemas.rows import Table
from sinks.clickhouse import ClickHouse, connect
from streams.fitting.reading import Source
from tests.sinks.rows import rows

FIRST = date(2025, 12, 22)
"""A Monday on which a window begins; the number of it is that of the 28 days since the first Monday of 1970."""
NUMBER = (FIRST - date(1970, 1, 5)).days // 28


@pytest.fixture
def clickhouse(migrated_url: str) -> Iterator[ClickHouse]:
    found = connect(migrated_url)
    yield found
    found.close()


def on(day: int, **values: object) -> Mapping[str, object]:
    at = datetime(FIRST.year, FIRST.month, FIRST.day, 12, tzinfo=UTC) + timedelta(day)
    return {"account_id": "a", "synthetic": False, "occurred_at": at, "day": at.date(), **values}


def put(clickhouse: ClickHouse, table: Table, *facts: Mapping[str, object]) -> None:
    clickhouse.insert(table, rows(table, *facts))


def said(name: str, day: int, score: float, metric: str = "nps", **values: object) -> Mapping[str, object]:
    scale = {"scale_min": 0.0, "scale_max": 10.0, "score": score, "score_mapped": score, "metric": metric}
    return on(day, response_id=name, withdrawn=False, **scale, **values)


def paid(name: str, day: int, amount: int, kind: str = "completed", **values: object) -> Mapping[str, object]:
    return on(day, transaction_id=name, event_type=f"transaction.{kind}", amount_base=Decimal(amount), **values)


def got(name: str, day: int, current: float, event: str, **values: object) -> Mapping[str, object]:
    return on(day, outcome_id=name, event_id=event, baseline=0.0, target=10.0, current=current, weight=1.0, **values)


def test_windows_hold_what_counts_and_nothing_of_one_that_is_not_complete(clickhouse: ClickHouse) -> None:
    """The window of day 28 ends on day 55: as of day 54 it is not complete, as of day 55 it is."""
    put(
        clickhouse, Table.RESPONSES, said("1", 0, 4), said("2", 27, 8, "ces"), said("3", 3, 10, synthetic=True), said("4", 4, 10),
        said("5", 5, 0), said("5", 30, 9, version=2),
    )  # fmt: skip
    put(clickhouse, Table.WITHDRAWALS, on(6, response_id="4"))
    put(
        clickhouse, Table.TRANSACTIONS, paid("1", 1, 50), paid("1", 1, 30, version=2), paid("2", 2, 5, "refunded"), paid("3", 3, 99, synthetic=True),
        paid("4", 28, 7, "refunded"),
    )  # fmt: skip
    purposes = ["sell", "upsell", "value_education", "service", "survey", "value_education"]
    put(
        clickhouse, Table.COMMUNICATIONS,
        *(on(number, message_id=f"m{number}", purpose=purpose, synthetic=number == 5) for number, purpose in enumerate(purposes)),
    )  # fmt: skip
    put(
        clickhouse, Table.CASES, on(27, case_id="1", event_type="case.opened"), on(29, case_id="1", event_type="case.resolved"),
        on(3, case_id="2", event_type="case.opened", synthetic=True),
    )  # fmt: skip
    put(
        clickhouse, Table.OUTCOMES, got("o", 1, 2, "1"), got("o", 2, 4, "2"), got("p", 3, 99, "3"), got("o", 31, 6, "4"),
        got("o", 3, 9, "5", synthetic=True),
    )  # fmt: skip
    put(
        clickhouse, Table.OPERATIONS, on(0, observation_id="1", measure="wait", value=4.0), on(27, observation_id="2", measure="wait", value=8.0),
        on(28, observation_id="3", measure="wait", value=5.0), on(1, observation_id="4", measure="wait", value=99.0, synthetic=True),
    )  # fmt: skip
    source = Source(clickhouse)

    before, after = (source.panel(FIRST + timedelta(day)).to_pylist() for day in (54, 55))

    known = ("window", "value_share", "feeling", "effort", "spend", "bought", "hassles", "vdi")
    first = (NUMBER, pytest.approx(1 / 3), pytest.approx(0.6), 0.8, 25, 1, 1, pytest.approx(0.7))
    assert [tuple(row[name] for name in known) for row in before] == [first]
    assert [tuple(row[name] for name in known) for row in after] == [first, (NUMBER + 1, None, 0.9, None, -7, 0, None, pytest.approx(0.8))]
    assert source.panel(FIRST + timedelta(26)).num_rows == 0
    for day, means in ((54, [6]), (55, [6, 5])):
        assert [row["mean_value"] for row in source.measured(FIRST + timedelta(day), "wait").to_pylist()] == means
    assert source.measured(FIRST + timedelta(55), "other").num_rows == 0
