"""The committed contract is what the models say, and its examples can be used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.catalog import Catalog
from schemas.enums import RejectReason, Topic
from schemas.events import EVENTS
from schemas.events_page import events_page
from schemas.examples import examples
from schemas.export import DEAD_LETTER_HEADERS, asyncapi, catalog_schema, contract_files, event_schema, export
from schemas.topics import ALL
from streams.core.decoding import decode
from streams.kafka.deadletters import HEADERS, PREFIX
from tests.streams.core.decoding.drawn import events
from tests.streams.core.decoding.records import Record, text_of

ROOT = Path(__file__).parents[2]
CONTRACTS = ROOT / "schemas" / "contracts"
EVERY_TYPE = [(topic, event_type) for topic, models in EVENTS.items() for event_type in models]


def test_committed_files_are_what_is_generated() -> None:
    """Run ``candor contracts`` where this fails."""
    committed = {str(path.relative_to(CONTRACTS)): path.read_text(encoding="utf-8") for path in CONTRACTS.rglob("*") if path.is_file()}

    assert committed == contract_files()
    assert (ROOT / "docs" / "events.md").read_text(encoding="utf-8") == events_page()


def test_export_removes_what_is_no_longer_part(tmp_path: Path) -> None:
    """Schemas and examples of an event type that is gone go too; other files stay."""
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "case.lost.schema.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")

    written = export(tmp_path)

    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {*written, tmp_path / "notes.txt"}


@pytest.mark.parametrize(("topic", "event_type"), EVERY_TYPE)
def test_example_fits_its_schema_and_decodes(topic: Topic, event_type: str) -> None:
    """A producer can copy it: it works without a catalog."""
    example = examples()[event_type]
    schema = event_schema(EVENTS[topic][event_type])

    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)
    result = decode(topic, [Record(0, 1_769_904_000_000, b"a-1", json.dumps(example).encode())], Catalog())

    assert result.rejected == []
    assert result.unknown_fields == 0


def test_examples_show_every_field() -> None:
    """No field is left without an example."""
    for models in EVENTS.values():
        shown = {name for event_type in models for name in examples()[event_type]}

        assert {name for model in models.values() for name in model.model_fields} - shown <= {"customer_id", "agent_id", "unit_id"}


@pytest.mark.parametrize("topic", list(Topic))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_schemas_accept_usable_events(topic: Topic, data: st.DataObject) -> None:
    """JSON Schema never refuses what the decoder accepts."""
    event: dict[str, Any] = data.draw(events(topic))

    Draft202012Validator(event_schema(EVENTS[topic][event["event_type"]])).validate(json.loads(text_of(event)))


@pytest.mark.parametrize(
    "fault",
    [
        {"amount": -1},
        {"amount": "12.34567"},
        {"amount": True},
        {"currency": "eur"},
        {"channel": "fax"},
        {"event_id": ""},
        {"event_id": None},
        {"occurred_at": "2026-01-31 09:30:00Z"},
        {"event_type": "transaction.lost"},
        {"schema_version": 2},
        {"products": [{"quantity": 1}]},
        {"products": [{"product_id": "p"}] * 1_001},
    ],
)
def test_schemas_refuse_what_they_can_say(fault: Mapping[str, object]) -> None:
    """Types, formats, closed lists, bounds, limits and what is required."""
    schema = event_schema(EVENTS[Topic.TRANSACTIONS]["transaction.completed"])

    assert not Draft202012Validator(schema).is_valid({**examples()["transaction.completed"], **fault})


def test_catalog_schema_fits_a_catalog() -> None:
    """The shapes of the contract are valid, unknown names are not."""
    validator = Draft202012Validator(catalog_schema())

    assert validator.is_valid({})
    assert validator.is_valid({"fx_rates": {"USD": 0.91}, "sla_policies": [{"trigger": "detractor", "hours": 24}], "products": [{"product_id": "p"}]})
    assert not validator.is_valid({"fx_rate": {"USD": 0.91}})


def test_asyncapi_tells_of_every_topic_and_event() -> None:
    """Channels, messages and their references are complete, and nothing points nowhere."""
    document = asyncapi()

    assert document["asyncapi"] == "3.0.0"
    assert {channel["address"] for channel in document["channels"].values()} == {f"{{prefix}}{spec.name}" for spec in ALL}
    for channel in document["channels"].values():
        assert {reference["$ref"].rpartition("/")[2] for reference in channel["messages"].values()} <= document["components"]["messages"].keys()
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].rpartition("/")[2] in document["channels"]
    for _, event_type in EVERY_TYPE:
        payload = document["components"]["messages"][event_type]["payload"]["$ref"]
        assert payload.removeprefix("./") in contract_files()


def test_dead_letter_headers_are_documented() -> None:
    """Those that the worker writes, in its order."""
    assert list(DEAD_LETTER_HEADERS) == [PREFIX + name for name in HEADERS]


def test_page_names_every_field_type_and_reason() -> None:
    """Nothing of the contract is left undocumented."""
    page = events_page()

    for topic, event_type in EVERY_TYPE:
        assert f"`{event_type}`" in page
        assert all(f"`{name}`" in page for name in EVENTS[topic][event_type].model_fields)
    assert all(f"`{reason}`" in page for reason in RejectReason)
    assert "undefined" not in page.lower()
