"""The contract for producers, generated: JSON Schema and an example of every event, AsyncAPI, the catalog's schema, a page of documentation."""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas.adjudication import EVENT_TYPE, Adjudication
from schemas.catalog import Catalog
from schemas.enums import RejectReason, Stage, Topic
from schemas.events import EVENTS, Event
from schemas.events_page import events_page
from schemas.examples import ADJUDICATION, examples
from schemas.topics import ADJUDICATIONS, CHECKPOINTS, DEAD_LETTERS, INPUTS, MAX_VALUE_BYTES, SIGNALS, TopicSpec

CONTRACT_VERSION = "1.0.0"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
KAFKA_BINDING = "0.5.0"
DEFAULT_PARTITIONS = 4
DEAD_LETTER_HEADERS: dict[str, Any] = {
    "candor-reason": {"type": "string", "enum": [reason.value for reason in RejectReason], "description": "Why the record could not be used."},
    "candor-field": {"type": "string", "description": "The field at fault; absent where none is."},
    "candor-message": {"type": "string", "description": "What was wrong and what was expected."},
    "candor-topic": {
        "type": "string",
        "enum": [*(topic.value for topic in Topic), ADJUDICATIONS.name],
        "description": "Input topic, without the prefix.",
    },
    "candor-partition": {"type": "string", "pattern": "^[0-9]+$", "description": "Partition of the record."},
    "candor-offset": {"type": "string", "pattern": "^[0-9]+$", "description": "Offset of the record."},
    "candor-timestamp": {"type": "string", "pattern": "^-?[0-9]+$", "description": "Timestamp of the record, in milliseconds since 1970."},
    "candor-stage": {"type": "string", "enum": [stage.value for stage in Stage], "description": "The stage that refused the record."},
}
Json = dict[str, Any]


def event_schema(model: type[Event | Adjudication]) -> Json:
    """The JSON Schema of an event; null means absent, so optional fields may be null."""
    schema = _published(model)
    schema["required"] = ["event_id", "event_type", *(name for name in schema["required"] if name not in {"event_id", "event_type"})]
    return schema


def catalog_schema() -> Json:
    """The JSON Schema of the catalog file."""
    return {"$schema": DIALECT, **_untitled(Catalog.model_json_schema())}


def _published(model: type[BaseModel]) -> Json:
    schema = _untitled(model.model_json_schema())
    for part in (schema, *(found for found in schema.get("$defs", {}).values() if "properties" in found)):
        for name, found in part["properties"].items():
            if name not in part.get("required", ()):
                part["properties"][name] = _nullable(found)
    return {"$schema": DIALECT, "title": model.__name__, **schema}


def _nullable(schema: Json) -> Json:
    notes = {name: schema[name] for name in ("description", "default") if schema.get(name) is not None}
    rest = {name: value for name, value in schema.items() if name not in {"description", "default"}}
    choices = rest.get("anyOf", [rest])
    null = {"type": "null"}
    return {**notes, "anyOf": choices if null in choices else [*choices, null]}


def _untitled(schema: Any) -> Any:
    """The schema without the titles that pydantic makes out of names, and without defaults that only say absent."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for name, value in schema.items():
        if (name == "title" and isinstance(value, str)) or (name == "default" and value is None):
            continue
        if name == "properties":
            kept[name] = {field: _untitled(found) for field, found in value.items()}
        else:
            kept[name] = _untitled(value)
    return kept


def asyncapi() -> Json:
    """One AsyncAPI 3 document of everything that Candor reads and writes in Kafka."""
    inputs = {topic.value: _channel(spec, list(EVENTS[topic])) for topic, spec in INPUTS.items()}
    inputs[ADJUDICATIONS.name] = _channel(ADJUDICATIONS, [EVENT_TYPE])
    letters = {DEAD_LETTERS.name: _channel(DEAD_LETTERS, ["DeadLetter"])}
    signals = {SIGNALS.name: _channel(SIGNALS, ["Signal"])}
    checkpoints = {_channel_name(spec): _channel(spec, ["CheckpointCell"]) for spec in CHECKPOINTS.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Candor",
            "version": CONTRACT_VERSION,
            "description": "Customer feedback and transactions in, dead letters out. The prefix of topics is a setting (default candor.).",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {**inputs, **letters, **signals, **checkpoints},
        "operations": {
            **{f"read-{name}": _operation("receive", name, "Candor reads it; producers send to it.") for name in inputs},
            **{f"write-{name}": _operation("send", name, "Candor writes it.") for name in letters},
            **{f"write-{name}": _operation("send", name, "One stage of Candor writes it, the next reads it.") for name in signals},
            **{f"write-{name}": _operation("send", name, "Candor writes it for itself, and reads it after a take-over.") for name in checkpoints},
        },
        "components": {"messages": _messages()},
    }


def _channel_name(spec: TopicSpec) -> str:
    return spec.name.replace(".", "-")


def _channel(spec: TopicSpec, messages: list[str]) -> Json:
    configuration: Json = {"cleanup.policy": ["compact" if spec.compacted else "delete"], "max.message.bytes": spec.max_message_bytes}
    if not spec.compacted:
        configuration["retention.ms"] = spec.retention_ms
    return {
        "address": f"{{prefix}}{spec.name}",
        "description": f"Carries {spec.carries}. Written by {spec.written_by}; keyed by {spec.key}.",
        "parameters": {"prefix": {"description": "CANDOR_TOPIC_PREFIX", "default": "candor."}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"partitions": DEFAULT_PARTITIONS, "topicConfiguration": configuration, "bindingVersion": KAFKA_BINDING}},
    }


def _operation(action: str, channel: str, summary: str) -> Json:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _messages() -> Json:
    key = {"kafka": {"key": {"type": "string", "description": "account_id, in UTF-8"}, "bindingVersion": KAFKA_BINDING}}
    found: Json = {}
    for models in EVENTS.values():
        for event_type, model in models.items():
            found[event_type] = {
                "name": event_type,
                "summary": (model.__doc__ or "").strip(),
                "contentType": "application/json",
                "description": f"At most {MAX_VALUE_BYTES} bytes. With the header content-type: application/cloudevents+json, a CloudEvents 1.0 "
                "envelope whose id, type, time and data are event_id, event_type, occurred_at and the rest.",
                "payload": {"$ref": f"./{_schema_path(event_type)}"},
                "bindings": key,
                "examples": [{"payload": examples()[event_type]}],
            }
    found[EVENT_TYPE] = {
        "name": EVENT_TYPE,
        "summary": (Adjudication.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": f"./{_schema_path(EVENT_TYPE)}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "unit_id, in UTF-8"}, "bindingVersion": KAFKA_BINDING}},
        "examples": [{"payload": ADJUDICATION}],
    }
    found["DeadLetter"] = {
        "name": "DeadLetter",
        "summary": "A record that could not be used: its key, value and headers byte for byte, and headers that say why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": DEAD_LETTER_HEADERS},
        "payload": {"description": "The value of the refused record, whatever it is."},
    }
    found["Signal"] = {
        "name": "Signal",
        "summary": "What changed at a unit, or in the whole fleet. Internal: it changes without notice.",
        "contentType": "application/msgpack",
        "payload": {"description": "Internal."},
    }
    found["CheckpointCell"] = {
        "name": "CheckpointCell",
        "summary": "A part of a stage's state. Internal: it changes without notice.",
        "contentType": "application/octet-stream",
        "payload": {"description": "Internal."},
    }
    return found


def _schema_path(event_type: str) -> str:
    return f"events/{event_type}.schema.json"


def contract_files() -> dict[str, str]:
    """Every generated file but the page of documentation: path within the contracts' folder, and text."""
    found: dict[str, Any] = {"asyncapi.json": asyncapi(), "catalog.schema.json": catalog_schema()}
    found[_schema_path(EVENT_TYPE)], found[f"examples/{EVENT_TYPE}.json"] = event_schema(Adjudication), ADJUDICATION
    for models in EVENTS.values():
        for event_type, model in models.items():
            found[_schema_path(event_type)] = event_schema(model)
            found[f"examples/{event_type}.json"] = examples()[event_type]
    return {path: json.dumps(content, indent=2, ensure_ascii=False) + "\n" for path, content in found.items()}


def export(directory: Path, page: Path | None = None) -> list[Path]:
    """Write the contract into a folder, and the page of documentation to ``page`` (default: ``events.md`` in the folder); the files written.

    Files of an earlier export that are no longer part of the contract are removed.
    """
    texts = {directory / path: text for path, text in contract_files().items()}
    texts[page or directory / "events.md"] = events_page()
    for pattern in ("events/*.schema.json", "examples/*.json"):
        for stale in set(directory.glob(pattern)) - texts.keys():
            stale.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)
