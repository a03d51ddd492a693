"""Each quirk of the Olist files, and what becomes of it."""

import csv
import json
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schemas.catalog import load_catalog
from schemas.enums import Topic
from streams.files import line_of
from streams.importing import Import, import_events, load_mapping
from tests.olist.conftest import EXAMPLE

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
Events = dict[str, dict[str, Any]]


def _events(imported: Import, topic: Topic, identity: str) -> Events:
    values = [json.loads(record.value or b"") for record in imported.records if record.topic is topic]
    by_id = {value[identity]: value for value in values}
    assert len(by_id) == len(values)
    return by_id


@pytest.fixture(scope="module")
def reviews(imported: Import) -> Events:
    return _events(imported, Topic.FEEDBACK, "response_id")


@pytest.fixture(scope="module")
def invitations(imported: Import) -> Events:
    return _events(imported, Topic.INVITATIONS, "invitation_id")


@pytest.fixture(scope="module")
def payments(imported: Import) -> Events:
    return _events(imported, Topic.TRANSACTIONS, "transaction_id")


def _rows(olist: Path, name: str) -> list[dict[str, str]]:
    with (olist / f"olist_{name}_dataset.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["occurred_at"])


def test_every_row_becomes_an_event(imported: Import) -> None:
    assert imported.problems == []
    assert {name: (one.events, one.left_out) for name, one in imported.counted.items()} == {
        "payment": (8_924, 0),
        "review_invitation": (8_225, 0),
        "review": (8_225, 0),
    }


def test_importing_again_gives_the_same_bytes(imported: Import, olist: Path) -> None:
    again = import_events(load_mapping(EXAMPLE / "mapping.yaml"), olist, load_catalog(EXAMPLE / "catalog.yaml"))

    assert [line_of(record) for record in again.records] == [line_of(record) for record in imported.records]


def test_events_are_in_order_of_time_although_the_files_are_not(imported: Import, olist: Path) -> None:
    purchases = [row["order_purchase_timestamp"] for row in _rows(olist, "orders")]
    arrivals = [record.timestamp for record in imported.records]

    assert purchases != sorted(purchases)
    assert arrivals == sorted(arrivals)


def test_events_arrive_when_they_happen(imported: Import) -> None:
    for record in imported.records:
        occurred_at = datetime.fromisoformat(json.loads(record.value or b"")["occurred_at"])
        assert record.timestamp == int(occurred_at.timestamp()) * 1000


def test_a_review_of_several_orders_is_one_response_for_each(olist: Path, reviews: Events) -> None:
    rows = _rows(olist, "order_reviews")
    shared = [name for name, count in Counter(row["review_id"] for row in rows).items() if count > 1]
    of_shared = [row for row in rows if row["review_id"] in set(shared)]

    assert (len(shared), len(of_shared)) == (28, 62)
    assert all(f"{row['review_id']}-{row['order_id']}" in reviews for row in of_shared)


def test_reviews_answered_before_the_purchase_are_kept(reviews: Events, payments: Events) -> None:
    early = [event for event in reviews.values() if _at(event) < _at(payments[event["transaction_id"]])]

    assert len(early) == 58


def test_reviews_created_before_delivery_are_kept(olist: Path, invitations: Events) -> None:
    delivered = {row["order_id"]: row["order_delivered_customer_date"] for row in _rows(olist, "orders")}
    early = [
        row
        for row in _rows(olist, "order_reviews")
        if delivered[row["order_id"]] and row["review_creation_date"][:10] < delivered[row["order_id"]][:10]
    ]

    assert len(early) == 294
    assert all(f"{row['review_id']}-{row['order_id']}" in invitations for row in early)


def test_invitations_are_sent_at_local_midnight_but_for_one_day(invitations: Events) -> None:
    hours = Counter(_at(event).astimezone(SAO_PAULO).strftime("%H:%M:%S") for event in invitations.values())
    odd = {_at(event) for event in invitations.values() if _at(event).astimezone(SAO_PAULO).hour != 0}

    assert hours == {"00:00:00": 8_220, "01:00:00": 5}
    assert odd == {datetime(2017, 10, 15, 3, tzinfo=UTC)}


def test_a_midnight_that_did_not_exist_is_the_hour_after_it(olist: Path, tmp_path: Path) -> None:
    for file in olist.glob("olist_*.csv"):
        shutil.copyfile(file, tmp_path / file.name)
        (tmp_path / file.name).chmod(0o644)
    path = tmp_path / "olist_order_reviews_dataset.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2017-10-15 01:00:00", "2017-10-15 00:00:00"), encoding="utf-8")

    imported = import_events(load_mapping(EXAMPLE / "mapping.yaml"), tmp_path, load_catalog(EXAMPLE / "catalog.yaml"))

    moved = [event for event in _events(imported, Topic.INVITATIONS, "invitation_id").values() if _at(event).astimezone(SAO_PAULO).hour]
    assert [event["occurred_at"] for event in moved] == ["2017-10-15T03:00:00Z"] * 5


def test_of_an_hour_that_came_twice_the_first_is_meant(reviews: Events, payments: Events) -> None:
    times = {event["occurred_at"] for event in (*reviews.values(), *payments.values())}

    # Clocks went back at midnight: 23:59:09 on 2018-02-17 and 23:41:47 on 2017-02-18 are first summer time, two hours behind UTC.
    assert {"2018-02-18T01:59:09Z", "2017-02-19T01:41:47Z"} <= times


def test_the_answer_lag_is_that_of_the_files(reviews: Events, invitations: Events) -> None:
    lags = sorted((_at(event) - _at(invitations[name])) / timedelta(days=1) for name, event in reviews.items())

    assert median(lags) == pytest.approx(1.6, abs=0.05)
    assert lags[int(len(lags) * 0.99)] == pytest.approx(24.6, abs=0.15)
    assert lags[-1] == pytest.approx(348, abs=1)


def test_the_account_is_the_person_not_the_customer_id_of_the_order(olist: Path, payments: Events, reviews: Events) -> None:
    customers = {row["customer_id"]: row["customer_unique_id"] for row in _rows(olist, "customers")}
    orders = {row["order_id"]: customers[row["customer_id"]] for row in _rows(olist, "orders")}

    assert len(set(customers.values())) == 8_016 < len(customers)
    assert all(event["account_id"] == orders[name[:32]] for name, event in payments.items())
    assert all(event["account_id"] == orders[name[33:]] for name, event in reviews.items())


def test_an_order_without_items_is_rated_as_unknown(olist: Path, reviews: Events) -> None:
    with_items = {row["order_id"] for row in _rows(olist, "order_items")}
    without = [row["order_id"] for row in _rows(olist, "orders") if row["order_id"] not in with_items]

    assert len(without) == 775
    assert {name[33:] for name, event in reviews.items() if event["unit_id"] == "unknown"} <= set(without)
    assert all(event["unit_id"] == "unknown" for name, event in reviews.items() if name[33:] in set(without))


def test_of_several_sellers_the_one_of_the_first_item_is_rated(olist: Path, reviews: Events) -> None:
    sellers: dict[str, dict[int, str]] = {}
    for row in _rows(olist, "order_items"):
        sellers.setdefault(row["order_id"], {})[int(row["order_item_id"])] = row["seller_id"]
    several = {order for order, by_item in sellers.items() if len(set(by_item.values())) > 1}
    rated = [(name[33:], event["unit_id"]) for name, event in reviews.items() if name[33:] in several]

    assert len(several) == 71
    assert rated
    assert all(unit == sellers[order][min(sellers[order])] for order, unit in rated)


def test_every_payment_of_an_order_is_a_transaction_also_of_nothing(olist: Path, payments: Events) -> None:
    counts = Counter(name[:32] for name in payments)
    rows = {f"{row['order_id']}-{row['payment_sequential']}": row["payment_value"] for row in _rows(olist, "order_payments")}

    assert max(counts.values()) == 29
    assert sum(float(event["amount"]) == 0 for event in payments.values()) == 5
    assert {name: float(event["amount"]) for name, event in payments.items()} == {name: float(value) for name, value in rows.items()}


def test_a_review_names_the_first_payment_of_its_order(reviews: Events, payments: Events) -> None:
    first: dict[str, int] = {}
    for name in payments:
        first[name[:32]] = min(int(name[33:]), first.get(name[:32], 99))

    assert any(number > 1 for number in first.values())
    for name, event in reviews.items():
        order = name[33:]
        assert event.get("transaction_id") == (f"{order}-{first[order]}" if order in first else None)


def test_comments_keep_their_newlines_and_letters_and_may_be_absent(olist: Path, reviews: Events) -> None:
    for row in _rows(olist, "order_reviews"):
        event = reviews[f"{row['review_id']}-{row['order_id']}"]
        words = [text for text in (row["review_comment_title"], row["review_comment_message"]) if text]
        assert event.get("comment") == ("\n".join(words) or None)
        assert event.get("language") == ("pt" if words else None)
    assert sum("\n" in row["review_comment_message"] for row in _rows(olist, "order_reviews")) == 436
    assert any("ã" in event.get("comment", "") for event in reviews.values())


def test_scores_are_ratings_of_one_to_five(olist: Path, reviews: Events) -> None:
    wanted = Counter(int(row["review_score"]) for row in _rows(olist, "order_reviews"))

    assert Counter(event["score"] for event in reviews.values()) == wanted
    assert {event["metric"] for event in reviews.values()} == {"rating"}
