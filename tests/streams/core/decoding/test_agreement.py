"""The fast decoder, the examination of single records, the event models and the oracle say the same of every event."""

import json
import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.enums import Topic
from schemas.events import EVENTS
from schemas.events.values import read_instant
from streams.core.decoding.times import plain_instant
from tests.oracle import records as oracle
from tests.oracle.validate import RefusedError, validate
from tests.streams.core.decoding.drawn import events, faulty_events
from tests.streams.core.decoding.records import CATALOG, ENVELOPE, decoded, record_of, text_of, verdict

NEEDS_RECORD_OR_CATALOG = {"key_mismatch", "unknown_currency", "in_future"}
LIMITED: dict[str, type] = {"comment": str, "answers": dict, "competitor_scores": list, "products": list}
_ORACLE_CATALOG = oracle.Catalog("Europe/Berlin", "EUR", dict(CATALOG.fx_rates), CATALOG.consumables)
TOPICS = pytest.mark.parametrize("topic", list(Topic))


def _model_accepts(topic: Topic, event: Mapping[str, Any]) -> bool:
    event_type = event.get("event_type")
    if not isinstance(event_type, str) or event_type not in EVENTS[topic]:
        return False
    try:
        # Through JSON, so that what is written is what is read.
        EVENTS[topic][event_type].model_validate(json.loads(text_of(event), parse_int=_integer))
    except ValidationError:
        return False
    return True


def _integer(text: str) -> float:
    return int(text) if len(text) < 400 else math.inf


@TOPICS
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_every_drawn_event_is_usable(topic: Topic, data: st.DataObject) -> None:
    """The strategies make usable events, for decoder and model alike; else the tests below would say little."""
    event = data.draw(events(topic))

    assert verdict(topic, event) is None
    assert _model_accepts(topic, event)


@TOPICS
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_decoder_and_models_accept_the_same_events(topic: Topic, data: st.DataObject) -> None:
    """What the decoder refuses for the event's own sake the model refuses, and nothing else."""
    event = data.draw(faulty_events(topic, far=True))

    refusal = verdict(topic, event)

    assert _model_accepts(topic, event) == (refusal is None or refusal[0] in NEEDS_RECORD_OR_CATALOG), refusal


@TOPICS
@given(data=st.data())
@settings(max_examples=120, deadline=None)
def test_decoder_and_oracle_give_the_same_reason(topic: Topic, data: st.DataObject) -> None:
    """The first reason of the contract's order, as an independent reader of the contract finds it."""
    event = data.draw(faulty_events(topic, far=False))
    # What has another JSON type than its limit is about is invalid to one reader, too long to the other.
    assume(all(isinstance(event.get(name, limited()), limited) for name, limited in LIMITED.items()))
    record = record_of(event)
    try:
        validate(oracle.Record(topic.value, 0, 0, record.timestamp, record.key, record.value, tuple(record.headers)), _ORACLE_CATALOG)
        expected = None
    except RefusedError as refused:
        expected = refused.reason

    found = verdict(topic, record)

    assert (found and found[0]) == expected


@TOPICS
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_every_way_in_gives_the_same_columns(topic: Topic, data: st.DataObject) -> None:
    """Neither an envelope, nor unknown fields, nor what must be examined singly (a time with many decimals) changes the facts."""
    event = data.draw(events(topic))

    direct = decoded(topic, event)
    enveloped = decoded(topic, record_of(event, value=text_of(_as_envelope(event) | {"data": event}), headers=ENVELOPE))
    many_decimals = plain_instant(read_instant(event["occurred_at"])).replace("Z", "0" * 15 + "Z")
    examined = decoded(topic, event | {"occurred_at": many_decimals})
    noted = decoded(topic, {"note": {"deep": []}} | event)

    assert direct.facts.equals(enveloped.facts)
    assert direct.facts.equals(examined.facts)
    assert direct.facts.equals(noted.facts)
    assert noted.unknown_fields == direct.unknown_fields + 1


def _as_envelope(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "source": "test", "id": event["event_id"], "type": event["event_type"], "time": event["occurred_at"]}


@TOPICS
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_a_batch_is_the_sum_of_its_records(topic: Topic, data: st.DataObject) -> None:
    """Bad neighbours, and how records are cut into batches, change nothing."""
    drawn = data.draw(st.lists(st.one_of(events(topic), faulty_events(topic, far=True)), max_size=8))
    records = [record_of(event, offset) for offset, event in enumerate(drawn)]

    whole = decoded(topic, *records)
    singly = [decoded(topic, record) for record in records]

    assert [refused.index for refused in whole.rejected] == [index for index, single in enumerate(singly) if single.rejected]
    assert [(refused.reason, refused.field) for refused in whole.rejected] == [
        (single.rejected[0].reason, single.rejected[0].field) for single in singly if single.rejected
    ]
    assert whole.unknown_fields == sum(single.unknown_fields for single in singly)
    assert whole.index.tolist() == [index for index, single in enumerate(singly) if not single.rejected]
    if singly:
        assert whole.facts.combine_chunks().equals(pa.concat_tables([single.facts for single in singly]).combine_chunks())
