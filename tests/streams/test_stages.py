"""What the catalog says reaches the stages."""

import json

import pytest

from schemas.catalog import Catalog
from schemas.enums import FalseAlarms, Topic
from streams.core.batch import Numbered
from streams.core.signals import Sign, UnitSignals, decode
from streams.settings import load_settings
from streams.stages import accounts_stages, units_stages

BEGGED = {"nl": "Ze zeiden: geef ons een tien!", "en": "They asked me to give them a 10."}


def _signs(catalog: Catalog, language: str) -> int:
    event = {
        "event_id": "e", "event_type": "response.submitted", "occurred_at": "2026-01-02T03:04:05Z", "account_id": "a", "unit_id": "u",
        "channel": "web", "response_id": "r", "survey_id": "s", "metric": "nps", "score": 10, "comment": BEGGED[language], "language": language,
    }  # fmt: skip
    stage = accounts_stages(load_settings(), catalog).restore(0, ())
    stage.apply(Topic.FEEDBACK, [Numbered(0, 1_767_400_000_000, b"a", json.dumps(event).encode())])
    flush = stage.flush()
    assert flush is not None
    told = [decode(signal.value) for signal in flush.signals]
    return next(int(signals.answers.signs[0]) for signals in told if isinstance(signals, UnitSignals))


def test_a_lexicon_of_the_catalog_adds_a_language_or_replaces_one() -> None:
    dutch = {"nl": {"phrases": ["geef ons een tien"]}}
    assert not _signs(Catalog(), "nl") & Sign.BEGGED
    assert _signs(Catalog.model_validate({"begging": dutch}), "nl") & Sign.BEGGED
    assert _signs(Catalog.model_validate({"begging": dutch}), "en") & Sign.BEGGED
    assert not _signs(Catalog.model_validate({"begging": {"en": {"phrases": ["something else"]}}}), "en") & Sign.BEGGED


@pytest.mark.parametrize("allowed", FalseAlarms)
def test_what_false_alarms_are_allowed_is_what_is_spent(allowed: FalseAlarms) -> None:
    stage = units_stages(Catalog(false_alarms=allowed), 1).restore(0, ())
    assert stage._watched.false_alarm_days == {"one a week": 7, "one a month": 30, "one a quarter": 91, "one a year": 365}[allowed]
