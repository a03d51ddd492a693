"""Events drawn at random from the models' rules, and faults put into them."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from schemas.enums import Topic
from schemas.events import EVENTS, ProductLine, Record, Rule, rules_of
from schemas.events.fields import Kind

TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
IDS = st.one_of(st.sampled_from(["a", "a-1", "é", "\0", "x" * 128, "🙂" * 128]), TEXTS.filter(bool))
_ZONES = st.sampled_from(["Z", "+00:00", "-00:00", "+05:30", "-11:00", "+14:00"])
_FRACTIONS = st.sampled_from(["", ".5", ".123", ".123456", ".1234567", ".123456789", ".999999999999"])
INSTANTS = st.builds(
    lambda at, fraction, zone: at.strftime("%Y-%m-%dT%H:%M:%S") + fraction + zone,
    st.datetimes(datetime.fromisoformat("1901-01-01"), datetime.fromisoformat("2025-12-31")),
    _FRACTIONS,
    _ZONES,
)
MONEY = st.one_of(
    st.integers(0, 10**9),
    st.integers(0, 10**14).map(lambda number: number / 10_000),
    st.integers(0, 10**17).map(lambda number: f"{number // 10_000}.{number % 10_000:04d}"),
    st.sampled_from([0, 0.0, -0.0, "0", "-0.0", "007.5", 0.1, 1e2, 99999999999.9999, "99999999999999.9999", 123456789012.25]),
)
NUMBERS = st.one_of(st.integers(-100, 100), st.floats(-1e6, 1e6), st.sampled_from([0, -0.0, 2.0, 1e-300, 10**30]))


def _positive(rule: Rule) -> st.SearchStrategy[Any]:
    return st.sampled_from([1, 0.5, 1e-9, 1.0] if rule.shape.most == 1 else [1, 0.5, 2.0, 1e-9, 12_345])


def value_of(rule: Rule) -> st.SearchStrategy[Any]:
    """A valid value of the field."""
    shape = rule.shape
    if rule.name == "schema_version":
        return st.sampled_from([1, 1.0])
    if shape.kind is Kind.NUMBER and shape.above is not None:
        return _positive(rule)
    strategies: dict[Kind, st.SearchStrategy[Any]] = {
        Kind.ID: IDS,
        Kind.TEXT: TEXTS,
        Kind.CURRENCY: st.sampled_from(["EUR", "USD", "JPY"]),
        Kind.CLOSED: st.sampled_from(rule.values) if rule.values else st.nothing(),
        Kind.INSTANT: INSTANTS,
        Kind.MONEY: MONEY,
        Kind.NUMBER: NUMBERS,
        Kind.INTEGER: st.sampled_from([1, 2, 3.0, 1e3, 2**62]),
        Kind.FLAG: st.booleans(),
        Kind.IDS: st.lists(IDS, max_size=3),
        Kind.TEXTS: st.lists(TEXTS, max_size=3),
        Kind.NUMBERS: st.lists(NUMBERS, max_size=3),
        Kind.ANSWERS: st.dictionaries(TEXTS, NUMBERS, max_size=3),
        Kind.LINES: st.lists(objects(ProductLine), max_size=3),
    }
    return strategies[shape.kind]


@st.composite
def objects(draw: st.DrawFn, model: type[Record]) -> dict[str, Any]:
    """An object of the model: all required fields and some of the others."""
    rules = rules_of(model)
    names = {rule.name for rule in rules if not rule.required and draw(st.integers(0, 3)) == 0}
    return {rule.name: draw(value_of(rule)) for rule in rules if rule.required or rule.name in names}


@st.composite
def events(draw: st.DrawFn, topic: Topic) -> dict[str, Any]:
    """A usable event of the topic."""
    event_type, model = draw(st.sampled_from(sorted(EVENTS[topic].items())))
    event = {"event_type": event_type, **draw(objects(model))}
    if event_type == "response.submitted":
        _put_on_scale(draw, event)
    if topic is Topic.OUTCOMES and event["target"] == event["baseline"]:
        event["target"] = event["baseline"] + 1 if abs(event["baseline"]) < 1e15 else 0
    return event


def _put_on_scale(draw: st.DrawFn, event: dict[str, Any]) -> None:
    lowest: float
    highest: float
    lowest, highest = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "rating": (1, 5)}[event["metric"]]
    for name in ("scale_min", "scale_max"):
        event.pop(name, None)
    if draw(st.booleans()):
        lowest, highest = draw(st.sampled_from([(0, 1), (0, 100), (-3, 3), (1.0, 10.0), (0.1, 0.7), (lowest, highest)]))
        event |= {"scale_min": lowest, "scale_max": highest}
    scores = st.one_of(
        st.sampled_from([lowest, highest]), st.floats(lowest, highest), st.integers(0, 10).map(lambda tenth: _between(lowest, highest, tenth))
    )
    event["score"] = draw(scores)
    if "expected_score" in event:
        event["expected_score"] = draw(scores)
    if "competitor_scores" in event:
        event["competitor_scores"] = draw(st.lists(scores, max_size=3))


def _between(lowest: float, highest: float, tenth: int) -> float:
    return min(max(lowest + (highest - lowest) * tenth / 10, lowest), highest)


_FAR = [float("inf"), float("-inf"), 10**30, -(10**400), 2**63, 2**63 - 1, 1e300, "9" * 5_000, "-" + "9" * 5_000, "0000-01-01T00:00:00Z"]
"""Values beyond every bound, of which a simpler reader may say something else."""
_VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 2.0, 1.5, -0.0, 0.1 + 0.2, 1e-5, 12.3456, 12.34567, 10**15, 99999999999999.99),
    *("", "x", "1", "true", "EUR", "eur", "EURO", "ÄÖÜ", "XXX", "12.5", "12.34567", "+1", "1e5", " 1", "1\n", "-1", "-0", "١", "nan", "fax"),
    *("x" * 128, "x" * 129, "🙂" * 129, "x" * 10_000, "x" * 10_001),
    *([], [None], [1], ["x"], [""], [1, "x"], [True], [[]], [{}], [0.0] * 16, [0.0] * 17, ["x" * 129], [{"product_id": None}]),
    *([{"product_id": "p"}] * 1, [{"product_id": "p"}] * 1_001, [{"product_id": "p", "quantity": 0}], [{"product_id": "p", "amount": "0.00001"}]),
    *(
        [{"product_id": "p", "amount": -1, "quantity": None}],
        [{"product_id": "p", "consumable": 1}],
        [{"product_id": "p", "extra": 1}],
        [None, {"quantity": "1"}],
    ),
    *({}, {"a": 1}, {"a": None}, {"a": "1"}, {"": True}, {str(n): n for n in range(64)}, {str(n): n for n in range(65)}),
    *("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.0000009Z", "2026-01-02T00:00:00.000001Z", "2026-01-02T01:00:00+01:00"),
    *("2026-01-01", "2026-01-01T00:00Z", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+0100"),
    *(
        "2025-02-29T00:00:00Z",
        "2024-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-01-01T24:00:00Z",
        "2025-01-01T00:00:60Z",
        "2025-01-01T00:00:00.Z",
    ),
    *("2025-01-01T00:00:00+24:00", "2025-01-01T00:00:00-23:59", "2025-01-01T00:00:00+00:60", "1900-01-01T00:00:00+00:01", "1900-01-01T00:00:00Z"),
    *("2299-12-31T23:59:59.9999999Z", "2300-01-01T00:00:00Z", "2300-01-01T00:30:00+01:00", "٢025-01-01T00:00:00Z", "1899-12-31T23:59:59Z"),
]
_LINE_NAMES = [rule.name for rule in rules_of(ProductLine)]


@st.composite
def faulty_events(draw: st.DrawFn, topic: Topic, *, far: bool) -> dict[str, Any]:
    """An event of the topic in which one or two fields were dropped, changed or added; it may be usable all the same."""
    event = draw(events(topic))
    names = [*{name for model in EVENTS[topic].values() for name in model.model_fields}, "note"]
    values = st.sampled_from([*_VALUES, *_FAR] if far else _VALUES)
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from(sorted(names)))
        if draw(st.integers(0, 4)) == 0:
            event.pop(name, None)
        elif name == "event_type":
            event[name] = draw(st.one_of(st.sampled_from(sorted(EVENTS[topic])), st.sampled_from(["case.deleted", 5, None, ""])))
        elif name == "products" and topic is Topic.TRANSACTIONS and draw(st.booleans()):
            line = {"product_id": "p", draw(st.sampled_from(_LINE_NAMES)): draw(values)}
            event[name] = [{"product_id": "q"}, line]
        else:
            event[name] = draw(values)
    return event
