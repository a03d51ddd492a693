"""Units held against peers from their first day on, by the view ``integrity_from_first_day``: how often honest ones are named, and what is found.

Fleets are drawn as daily sums, put into an embedded database, and looked at on several days, each time with what was known on the day. Each fleet is
a peer group of its own; which of its units are named is decided for it alone, from the view's e-values.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.rows import TABLES, Table
from sinks.clickhouse import ClickHouse, connect
from sinks.migrate import Migrator
from streams.core.integrity.false_discovery import e_benjamini_hochberg

FIRST_DAY = date(2025, 1, 6)
LEVEL = 0.05
"""False-discovery rate that the view promises."""
CLEAN_LOOKS = (30, 60, 120, 180, 360, 720)
"""Days after the first on which honest fleets are looked at."""
EARLY_DAYS = 180
HORIZONS = (30, 60, 120)
"""Days within which gaming is looked for."""
CORRELATIONS = (0.0, 0.05, 0.1)
"""Of the answers of a unit and day."""
STRENGTHS = (0.25, 0.5, 1.0, 2.0)
GAMED_FLEETS = 40
GAMED_UNITS = 3

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fleet:
    """How fleets are drawn: honest units differ by beta distributions with the given means and intra-class correlations."""

    units: int = 60
    days: int = 720
    answers: float = 2.4
    """A unit and day, at the median unit; log-normal over units, with a standard deviation of 0.5."""
    rate: float = 0.45
    rate_between: float = 0.018
    shape: float = 0.6
    shape_between: float = 0.001
    correlation: float = 0.05
    gamed: int = 0
    """The first units of each fleet gamed from their first day."""
    begged: float = 0.0
    """Share of their answers below the top that became top ones."""
    stuffed: float = 0.0
    """Invented top scores beside each of their answers."""


HONEST = (
    Fleet(units=9, rate_between=0.05, shape_between=0.02),
    Fleet(units=30),
    Fleet(units=30, rate_between=0.05, shape_between=0.01),
)


@dataclass(frozen=True, slots=True)
class Days:
    """Counted responses of each fleet, unit and day."""

    answers: Ints
    top_two: Ints
    top: Ints


def draw(fleet: Fleet, fleets: int, seed: int) -> Days:
    """So many fleets of one kind."""
    random = np.random.default_rng(seed)
    shape = (fleets, fleet.units, fleet.days)
    rates = _beta(random, np.full(shape[:2], fleet.rate), fleet.rate_between)
    shapes = _beta(random, np.full(shape[:2], fleet.shape), fleet.shape_between)
    two_rates = np.clip(rates / shapes, 0.02, 0.99)
    sizes = np.exp(random.normal(np.log(fleet.answers), 0.5, shape[:2]))
    answers = random.poisson(sizes[..., None], shape)
    two = random.binomial(answers, _beta(random, np.broadcast_to(two_rates[..., None], shape), fleet.correlation))
    top = random.binomial(two, _beta(random, np.broadcast_to(shapes[..., None], shape), fleet.correlation))
    mine = np.s_[:, : fleet.gamed]
    from_second = random.binomial((two - top)[mine], fleet.begged)
    from_below = random.binomial((answers - two)[mine], fleet.begged)
    invented = random.poisson(fleet.stuffed * answers[mine])
    top[mine] += from_second + from_below + invented
    two[mine] += from_below + invented
    answers[mine] += invented
    return Days(answers, two, top)


def _beta(random: np.random.Generator, means: npt.NDArray[np.float64], correlation: float) -> npt.NDArray[np.float64]:
    if not correlation:
        return means
    strength = 1 / correlation - 1
    return np.clip(random.beta(means * strength, (1 - means) * strength), 1e-6, 1 - 1e-6)


def put(clickhouse: ClickHouse, days: Days) -> None:
    """Make these all that the database holds; each fleet is a peer group, and units are named ``fleet/unit``."""
    fleets, units, _ = days.answers.shape
    fleet, unit, day = np.nonzero(days.answers)
    names = np.array([f"{number}/{place}" for number in range(fleets) for place in range(units)], dtype=object).reshape(fleets, units)
    dates = np.datetime64(FIRST_DAY) + day
    told: Mapping[str, pa.Array] = {
        "day": pa.array(dates.astype("datetime64[D]")), "unit_id": pa.array(names[fleet, unit]), "n": pa.array(days.answers[fleet, unit, day]),
        "top_box": pa.array(days.top[fleet, unit, day]), "top_two_box": pa.array(days.top_two[fleet, unit, day]),
    }  # fmt: skip
    schema = TABLES[Table.LOYALTY].arrow_schema
    words = {"channel": "web", "metric": "nps"}
    columns = [
        told[field.name].cast(field.type)
        if field.name in told
        else pa.repeat(pa.scalar(words.get(field.name, _zero(field.type)), field.type), len(day))
        for field in schema
    ]
    clickhouse.command(f"TRUNCATE TABLE {Table.LOYALTY}")
    clickhouse.insert(Table.LOYALTY, pa.table(columns, schema=schema))
    clickhouse.command("TRUNCATE TABLE units")
    known = {"unit_id": names.ravel().tolist(), "peer_group": [name.split("/", maxsplit=1)[0] for name in names.ravel()]}
    count = len(known["unit_id"])
    clickhouse.insert_into(
        "units", pa.table({**known, "region": pa.array([None] * count, pa.string()), "version": pa.array([1] * count, pa.uint64())})
    )


def _zero(kind: pa.DataType) -> object:
    return Decimal(0) if pa.types.is_decimal(kind) else 0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the view says of each fleet and unit on one day."""

    e_values: npt.NDArray[np.float64]
    """NaN where nothing is said."""
    greatest: npt.NDArray[np.float64]
    named: npt.NDArray[np.bool_]
    """In each fleet by itself."""


def look(clickhouse: ClickHouse, fleets: int, units: int, days: int) -> Seen:
    """The fleets as they are known after so many days."""
    rows = clickhouse.query(
        "SELECT unit_id, e_value, e_value_max FROM integrity_from_first_day_as_of(as_of = {day:Date32}) WHERE e_value IS NOT NULL",
        {"day": FIRST_DAY + timedelta(days=days - 1)},
    )
    e_values, greatest = (np.full((fleets, units), np.nan) for _ in range(2))
    places = np.array([name.split("/") for name in rows.column("unit_id").to_pylist()], np.int64).reshape(-1, 2).T
    e_values[places[0], places[1]] = rows.column("e_value").to_numpy()
    greatest[places[0], places[1]] = rows.column("e_value_max").to_numpy()
    named = np.zeros((fleets, units), np.bool_)
    for fleet, values in enumerate(e_values):
        tested = ~np.isnan(values)
        named[fleet, tested] = e_benjamini_hochberg(values[tested], LEVEL)
    return Seen(e_values, greatest, named)


@dataclass(frozen=True, slots=True)
class Honest:
    """What came of honest fleets."""

    fleet: Fleet
    fleets: int
    tested: int
    """Units of which the view says anything in the end."""
    named_fleets: int
    """Fleets of which a unit was named on any of the days."""
    named_early: int
    """Units that were named on any of the days up to the 180th."""
    named: int
    """Units that were named on any of the days."""
    reached: Mapping[int, int]
    """By threshold: units whose evidence was ever that great, at the end of any week."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of units that gamed from their first day."""

    attack: str
    strength: float
    fleet: Fleet
    units: int
    """Units that gamed."""
    found: Sequence[int]
    """Of them, named by each of ``HORIZONS``."""
    named: int
    """Units that were named on the last of these days."""
    wrongly: int
    """Of them, those that did not game."""


def honest(fleets: int, seed: int) -> Iterator[Honest]:
    """Yields what came of each kind."""
    with _database() as clickhouse:
        for fleet in HONEST:
            for correlation in CORRELATIONS:
                kind = replace(fleet, correlation=correlation)
                put(clickhouse, draw(kind, fleets, seed))
                yield judged(clickhouse, kind, fleets)


def judged(clickhouse: ClickHouse, fleet: Fleet, fleets: int, looks: Sequence[int] = CLEAN_LOOKS) -> Honest:
    """The fleets in the database, none of which gamed, on these days."""
    seen = {days: look(clickhouse, fleets, fleet.units, days) for days in looks}
    last = seen[looks[-1]]
    named = np.any([one.named for one in seen.values()], axis=0)
    early = np.any([one.named for days, one in seen.items() if days <= EARLY_DAYS], axis=0)
    return Honest(
        fleet, fleets, int(np.sum(~np.isnan(last.e_values))), int(named.any(axis=1).sum()), int(early.sum()), int(named.sum()),
        {threshold: int(np.sum(last.greatest >= threshold)) for threshold in (20, 100)},
    )  # fmt: skip


def attacks() -> Iterator[tuple[str, float, Fleet]]:
    """Yields each attack and strength: as published at strength 1, half of the customers are asked for a top score and half of those comply."""
    for answers in (2.4, 10.0):
        for strength in STRENGTHS:
            kind = Fleet(days=HORIZONS[-1], answers=answers, gamed=GAMED_UNITS, begged=0.5 * min(0.5 * strength, 0.95))
            yield "begging", strength, kind
        for strength in STRENGTHS:
            yield "ballot stuffing", strength, Fleet(days=HORIZONS[-1], answers=answers, gamed=GAMED_UNITS, stuffed=0.8 * strength)


def power(fleets: int, seed: int) -> Iterator[Found]:
    """Yields what is found of each attack."""
    with _database() as clickhouse:
        for attack, strength, fleet in attacks():
            put(clickhouse, draw(fleet, fleets, seed))
            yield found(clickhouse, attack, strength, fleet, fleets)


def found(clickhouse: ClickHouse, attack: str, strength: float, fleet: Fleet, fleets: int) -> Found:
    """The fleets in the database."""
    named = [look(clickhouse, fleets, fleet.units, days).named for days in HORIZONS]
    by_then = [int(np.any(named[: place + 1], axis=0)[:, : fleet.gamed].sum()) for place in range(len(HORIZONS))]
    last = named[-1]
    return Found(attack, strength, fleet, fleets * fleet.gamed, by_then, int(last.sum()), int(last[:, fleet.gamed :].sum()))


@contextmanager
def _database() -> Iterator[ClickHouse]:
    """An embedded database for the time of a measurement."""
    with TemporaryDirectory() as folder:
        clickhouse = connect(f"chdb://{folder}?database=candor")
        Migrator(clickhouse).apply()
        yield clickhouse
        clickhouse.close()


def honest_table(runs: Sequence[Honest]) -> Iterator[str]:
    """Yields the lines of a table."""
    yield (
        f"| units of a fleet | between units: rate, shape | of a day | units tested | fleets with a unit named | units named in {EARLY_DAYS} days "
        f"| in {CLEAN_LOOKS[-1]} days "
        "| evidence ever 20 | ever 100 |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for run in runs:
        fleet = run.fleet
        each = f"{fleet.units} | {fleet.rate_between}, {fleet.shape_between} | {fleet.correlation} | {run.tested:,}"
        shares = " | ".join(f"{100 * count / run.tested:.2f} %" for count in (run.named_early, run.named, *run.reached.values()))
        yield f"| {each} | {100 * run.named_fleets / run.fleets:.1f} % | {shares} |"


def power_table(runs: Sequence[Found]) -> Iterator[str]:
    """Yields the lines of a table."""
    within = " | ".join(f"{'named within ' if days == HORIZONS[0] else ''}{days}{' days' if days == HORIZONS[0] else ''}" for days in HORIZONS)
    yield f"| attack | strength | answers a day | units | {within} | units named | wrongly |"
    yield "|---|---|---|---|" + "---|" * (len(HORIZONS) + 2)
    for run in runs:
        shares = " | ".join(f"{100 * count / run.units:.0f} %" for count in run.found)
        yield f"| {run.attack} | {run.strength:g} | {run.fleet.answers:g} | {run.units} | {shares} | {run.named} | {run.wrongly} |"
