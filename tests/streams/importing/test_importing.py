"""Tables to events: joins, groups, conditions, order, and problems that name file and line."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from schemas.catalog import Catalog
from schemas.enums import Topic
from streams.commands import cli
from streams.files import read_events
from streams.importing import Import, MappingError, import_events, load_mapping, mapping_schema
from streams.importing.tables import TableError

SALES = """\
sale,customer,when,amount,currency
1,c1,2026-01-02 10:00:00,10.00,EUR
2,c2,2026-01-01 10:00:00,"20.00",EUR
3,c1,2026-01-03 10:00:00,30.00,EUR
"""
CUSTOMERS = """\
customer,region,note
c1,north,"two
lines"
c2,south,
"""
MAPPING: dict[str, Any] = {
    "name": "shop",
    "timezone": "Europe/Berlin",
    "sources": {
        "sales": {"csv": "sales.csv", "join": [{"source": "customers", "by": {"customer": "customer"}}]},
        "customers": {"csv": "customers.csv"},
    },
    "events": {
        "sale": {
            "source": "sales",
            "topic": "transactions",
            "event_type": "transaction.completed",
            "fields": {
                "event_id": {"template": "sale-{sale}"},
                "occurred_at": {"time": {"column": "when"}},
                "account_id": {"column": "customer"},
                "unit_id": {"column": "customers.region"},
                "transaction_id": {"column": "sale"},
                "amount": {"money": {"column": "amount"}},
                "currency": {"column": "currency"},
            },
        }
    },
}


class Shop:
    """A folder with tables and a mapping, to be changed by each test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mapping: dict[str, Any] = json.loads(json.dumps(MAPPING))
        self.path = folder / "mapping.yaml"
        self.write("sales.csv", SALES)
        self.write("customers.csv", CUSTOMERS)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_bytes(text.encode())

    @property
    def rule(self) -> dict[str, Any]:
        rule: dict[str, Any] = self.mapping["events"]["sale"]
        return rule

    def save(self) -> Path:
        self.path.write_text(yaml.safe_dump(self.mapping, sort_keys=False), encoding="utf-8")
        return self.path

    def run(self, **options: Any) -> Import:
        return import_events(load_mapping(self.save()), self.folder, Catalog(), **options)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def _values(done: Import) -> list[dict[str, Any]]:
    return [json.loads(record.value or b"") for record in done.records]


def test_rows_become_events_in_order_of_time(shop: Shop) -> None:
    done = shop.run()

    assert done.problems == []
    assert [event["event_id"] for event in _values(done)] == ["sale-2", "sale-1", "sale-3"]
    assert _values(done)[0] == {
        "event_id": "sale-2",
        "event_type": "transaction.completed",
        "occurred_at": "2026-01-01T09:00:00Z",
        "account_id": "c2",
        "unit_id": "south",
        "transaction_id": "2",
        "amount": "20",
        "currency": "EUR",
    }
    first = done.records[0]
    assert (first.topic, first.key, first.timestamp) == (Topic.TRANSACTIONS, b"c2", 1_767_258_000_000)


def test_at_equal_times_the_order_of_the_mapping_then_of_the_file_holds(shop: Shop) -> None:
    shop.write("sales.csv", SALES.replace("2026-01-03", "2026-01-01").replace("2026-01-02", "2026-01-01"))
    other = json.loads(json.dumps(shop.rule))
    other["fields"]["event_id"] = {"template": "other-{sale}"}
    other["fields"]["transaction_id"] = {"template": "other-{sale}"}
    shop.mapping["events"]["again"] = other

    assert [event["event_id"] for event in _values(shop.run())] == ["sale-1", "sale-2", "sale-3", "other-1", "other-2", "other-3"]


def test_conditions_leave_rows_out_and_count_them(shop: Shop) -> None:
    shop.rule["where"] = [
        {"column": "customers.region", "in": ["north"]},
        {"column": "customers.note", "empty": False},
        {"column": "sale", "not_in": ["3"]},
    ]

    done = shop.run()

    assert [event["event_id"] for event in _values(done)] == ["sale-1"]
    assert (done.counted["sale"].rows, done.counted["sale"].left_out, done.counted["sale"].events) == (3, 2, 1)


def test_a_row_without_match_has_empty_columns(shop: Shop) -> None:
    shop.write("customers.csv", "customer,region\nc1,north\n")

    done = shop.run()

    assert done.problems == []
    assert "unit_id" not in _values(done)[0]


def test_a_row_without_a_required_match_is_a_problem(shop: Shop) -> None:
    shop.write("customers.csv", "customer,region\nc1,north\n")
    shop.mapping["sources"]["sales"]["join"][0]["required"] = True

    done = shop.run()

    assert [str(problem) for problem in done.problems] == ["sales.csv, line 3: sale: no row of customers for customer 'c2'"]
    assert len(done.records) == 2


def test_a_key_that_is_there_twice_must_be_grouped(shop: Shop) -> None:
    shop.write("customers.csv", 'customer,region,note\nc1,north,"a\nb"\nc2,south,\nc1,east,x\n')

    with pytest.raises(TableError, match=r"customers\.csv, lines 2 and 5: sources\.sales\.join finds two rows of customers for c1; reduce"):
        shop.run()


def test_groups_reduce_to_one_row_a_key(shop: Shop) -> None:
    shop.write("visits.csv", "customer,number,place,paid\nc1,10,ten,1.10\nc1,9,nine,2.20\nc2,1,,\nc1,,last,3.30\n")
    columns = {
        "first": {"first": "place"},
        "last": {"last": "place"},
        "paid": {"sum": "paid"},
        "visits": {"count": "place"},
        "low": {"min": "place"},
        "high": {"max": "place"},
    }
    group = {"source": "visits", "by": ["customer"], "order_by": [{"column": "number", "numeric": True}], "columns": columns}
    shop.mapping["sources"] |= {"visits": {"csv": "visits.csv"}, "places": {"group": group}}
    shop.mapping["sources"]["sales"]["join"].append({"source": "places", "by": {"customer": "customer"}, "alias": "p"})
    names = ["first", "last", "paid", "visits", "low", "high"]
    shop.rule["fields"]["risk_flags"] = {
        "list": [{"concat": [{"coalesce": [{"column": f"p.{name}"}, {"constant": "-"}]} for name in names], "separator": " "}]
    }

    flags = {event["account_id"]: event["risk_flags"] for event in _values(shop.run())}

    assert flags == {"c1": ["nine last 6.60 3 last ten"], "c2": ["- - - 0 - -"]}


def test_a_group_of_something_that_is_no_number_says_where(shop: Shop) -> None:
    group = {"source": "sales", "by": ["customer"], "columns": {"total": {"sum": "currency"}}}
    shop.mapping["sources"]["totals"] = {"group": group}
    shop.rule["source"] = "totals"

    with pytest.raises(TableError, match=r"sales\.csv, line 2: currency should be a number, found 'EUR'"):
        shop.run()


def test_values_that_do_not_fit_are_problems_with_file_line_and_field(shop: Shop) -> None:
    shop.write("sales.csv", SALES.replace("10.00,EUR", "ten,EUR").replace("2026-01-03 10", "2026-13-03 10"))

    done = shop.run()

    assert [(p.file, p.line, p.event, p.field) for p in done.problems] == [
        ("sales.csv", 2, "sale", "amount"),
        ("sales.csv", 4, "sale", "occurred_at"),
    ]
    assert "expected a number, found 'ten'" in str(done.problems[0])
    assert (done.counted["sale"].problems, done.counted["sale"].events) == (2, 1)


def test_lines_are_counted_through_quoted_newlines(shop: Shop) -> None:
    shop.write("sales.csv", 'sale,customer,when,amount,currency\n1,"c\n1",2026-01-02 10:00:00,1,EUR\n2,c2,never,1,EUR\n')

    assert [problem.line for problem in shop.run().problems] == [4]


def test_events_that_a_worker_would_refuse_are_problems(shop: Shop) -> None:
    shop.write("sales.csv", SALES.replace("30.00,EUR", "30.00,USD").replace("2,c2", "2,"))

    done = shop.run()

    assert [(p.line, p.field) for p in done.problems] == [(3, "account_id"), (4, "currency")]
    assert "unknown_currency" in done.problems[1].message
    assert len(done.records) == 1


def test_a_limit_is_for_the_rows_of_each_rule(shop: Shop) -> None:
    assert shop.run(limit=2).counted["sale"].rows == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SALES + "4,c1\n", r"sales\.csv, line 5: 2 columns where the header has 5"),
        (SALES + '4,c1,"never ends\n', r"sales\.csv, line 5: not CSV"),
        ("", r"sales\.csv, line 1: expected a header"),
        ("a,a\n1,2\n", r"sales\.csv, line 1: expected a header with a different name for each column"),
    ],
)
def test_a_file_that_is_no_table_says_where(shop: Shop, text: str, message: str) -> None:
    shop.write("sales.csv", text)

    with pytest.raises(TableError, match=message):
        shop.run()


def test_an_absent_file_and_a_wrong_encoding_are_told(shop: Shop) -> None:
    (shop.folder / "sales.csv").write_bytes(SALES.replace("c2", "café").encode("latin-1"))
    with pytest.raises(TableError, match=r"sales\.csv: byte \d+ is not utf-8"):
        shop.run()

    (shop.folder / "sales.csv").unlink()
    with pytest.raises(TableError, match=r"sales\.csv: cannot be read"):
        shop.run()


def test_other_dialects_can_be_read(shop: Shop) -> None:
    shop.mapping["sources"]["sales"] |= {"delimiter": ";", "encoding": "latin-1", "empty": ["", "NULL"]}
    text = SALES.replace("c2", "café").replace(",EUR", ",NULL").replace(",", ";")
    (shop.folder / "sales.csv").write_bytes(text.encode("latin-1"))
    shop.rule["fields"]["currency"] = {"coalesce": [{"column": "currency"}, {"constant": "EUR"}]}

    assert _values(shop.run())[0]["account_id"] == "café"


def _set(mapping: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split("/")
    for name in above:
        mapping = mapping[name]
    mapping[last] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("timezone", "Europe/Nowhere", r"timezone: 'Europe/Nowhere' is no IANA time zone"),
        ("zone", "x", r"zone: .*unknown name, check the spelling"),
        ("events/sale/topic", "sales", r"events\.sale\.topic"),
        ("events/sale/event_type", "transaction.done", r"transactions has no 'transaction\.done'; it has transaction\.completed"),
        ("events/sale/fields/amuont", {"constant": 1}, r"has no field 'amuont'; did you mean 'amount'"),
        ("events/sale/fields/event_type", {"constant": 1}, r"leave event_type out"),
        ("events/sale/source", "sale", r"events\.sale: there is no source 'sale'; there are sales, customers"),
        ("events/sale/fields/amount", {"colum": "amount"}, r"events\.sale\.fields\.amount: write exactly one form"),
        ("events/sale/where", [{"column": "sale"}], r"a condition needs one of"),
        ("sources/sales", {"delimiter": ";"}, r"sources\.sales: give either csv or group"),
        ("sources/customers/join", [{"source": "sales", "by": {"customer": "customer"}}], r"sales -> customers -> sales is a circle"),
    ],
)
def test_a_wrong_mapping_says_where_and_what_to_do(shop: Shop, path: str, value: Any, message: str) -> None:
    _set(shop.mapping, path, value)

    with pytest.raises(MappingError, match=message) as caught:
        load_mapping(shop.save())

    assert str(caught.value).startswith(f"{shop.path}: ")


def test_a_missing_field_of_the_contract_is_told(shop: Shop) -> None:
    del shop.rule["fields"]["amount"]

    with pytest.raises(MappingError, match=r"transaction\.completed needs amount"):
        load_mapping(shop.save())


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "line 1, column"), ("- 1", "expected name, sources and events"), ("name: x", "sources: Field required")]
)
def test_a_file_that_is_no_mapping_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)

    with pytest.raises(MappingError, match=message):
        load_mapping(tmp_path / "mapping.yaml")


def test_unknown_columns_of_conditions_joins_and_groups_are_told(shop: Shop) -> None:
    shop.rule["where"] = [{"column": "x", "equals": "1"}]
    with pytest.raises(MappingError, match=r"events\.sale\.where: sales\.csv has no column 'x'; it has sale"):
        shop.run()

    shop.mapping["sources"]["sales"]["join"][0]["by"] = {"customer": "id"}
    with pytest.raises(MappingError, match=r"sources\.sales\.join: customers\.csv has no column 'id'"):
        shop.run()

    shop.mapping["sources"]["customers"] = {"group": {"source": "sales", "by": ["place"], "columns": {"n": {"count": "sale"}}}}
    shop.mapping["sources"]["sales"]["join"] = []
    shop.rule["source"] = "customers"
    with pytest.raises(MappingError, match=r"sources\.customers\.group: sales\.csv has no column 'place'"):
        shop.run()


def test_the_schema_accepts_mappings_and_refuses_others(shop: Shop) -> None:
    schema = json.loads(mapping_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    example = Path(__file__).resolve().parents[3] / "examples" / "olist" / "mapping.yaml"

    assert validator.is_valid(shop.mapping)
    assert validator.is_valid(yaml.safe_load(example.read_text(encoding="utf-8")))
    shop.rule["fields"]["amount"] = {"colum": "amount"}
    assert not validator.is_valid(shop.mapping)


def test_the_command_writes_what_it_can_and_fails_where_rows_were_left(shop: Shop) -> None:
    shop.write("sales.csv", SALES.replace("10.00,EUR", "ten,EUR"))
    out, problems = shop.folder / "events.ndjson", shop.folder / "problems.txt"

    result = CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), "--out", str(out), "--problems", str(problems)])

    assert result.exit_code == 1
    assert "sales.csv, line 2: sale.amount: expected a number, found 'ten'" in result.output
    assert "sale: 3 rows, 2 events, 0 left out by conditions, 1 with problems" in result.output
    assert problems.read_text().count("\n") == 1
    assert [record.key for record in read_events([out])] == [b"c2", b"c1"]


def test_the_command_without_out_is_a_dry_run(shop: Shop) -> None:
    before = set(shop.folder.iterdir()) | {shop.save()}

    result = CliRunner().invoke(cli, ["import", str(shop.path), str(shop.folder)])

    assert result.exit_code == 0
    assert set(shop.folder.iterdir()) == before


def test_the_command_writes_to_standard_output_and_uses_the_catalog_of_the_mapping(shop: Shop) -> None:
    shop.write("sales.csv", SALES.replace("EUR", "USD"))
    shop.write("catalog.yaml", "fx_rates: {USD: 0.9}\n")
    shop.mapping["catalog"] = "catalog.yaml"

    result = CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), "--out", "-"])

    assert result.exit_code == 0
    assert result.stdout.count('"currency":"USD"') == 3


@pytest.mark.parametrize(
    ("change", "options", "exit_code", "message"),
    [
        ({"catalog": "absent.yaml"}, [], 2, "absent.yaml: cannot be read"),
        ({}, ["--out", "x.ndjson", "--kafka"], 2, "exclude each other"),
        ({"hash_secret": "NOT_SET_ANYWHERE"}, [], 2, "set the environment variable NOT_SET_ANYWHERE"),
    ],
)
def test_the_command_says_what_is_wrong(shop: Shop, change: dict[str, Any], options: list[str], exit_code: int, message: str) -> None:
    shop.mapping |= change
    if "hash_secret" in change:
        shop.rule["fields"]["customer_id"] = {"hash": {"column": "customer"}}

    result = CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), *options])

    assert result.exit_code == exit_code
    assert message in result.output


def test_hashed_fields_use_the_secret_of_the_environment(shop: Shop) -> None:
    shop.rule["fields"]["customer_id"] = {"hash": {"column": "customer"}}
    outputs = [
        CliRunner().invoke(cli, ["import", str(shop.save()), str(shop.folder), "--out", "-"], env={"CANDOR_HASH_SECRET": secret}).stdout
        for secret in ("one", "one", "two")
    ]

    assert outputs[0] == outputs[1] != outputs[2]
    assert '"customer_id":"c1"' not in outputs[0]
