"""Units held against peers from their first day on, by the view ``integrity_from_first_day``: how often honest ones are named, and what is found.

Fleets are drawn as daily sums, put into an embedded database, and looked at on several days, each time with what was known on the day. Each fleet is
a peer group of its own; which of its units are named is decided for it alone, from the view's e-values.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from streams.core.batch import Bools, Floats
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
    by_funnel: npt.NDArray[np.bool_]
    """Those that ``integrity_funnel`` names on this day, in each fleet by itself."""


def look(clickhouse: ClickHouse, fleets: int, units: int, days: int) -> Seen:
    """The fleets as they are known after so many days."""
    e_values, greatest, p_values = (np.full((fleets, units), np.nan) for _ in range(3))
    for sql, columns in (
        ("SELECT unit_id, e_value, e_value_max FROM integrity_from_first_day_as_of(as_of = {day:Date32})", (e_values, greatest)),
        ("SELECT unit_id, p_value FROM integrity_funnel_last_days(days = 10000, as_of = {day:Date32})", (p_values,)),
    ):
        rows = clickhouse.query(f"{sql} WHERE p_value IS NOT NULL", {"day": FIRST_DAY + timedelta(days=days - 1)})
        places = np.array([name.split("/") for name in rows.column("unit_id").to_pylist()], np.int64).reshape(-1, 2).T
        for column, values in zip(rows.columns[1:], columns, strict=True):
            values[places[0], places[1]] = column.to_numpy()
    return Seen(e_values, greatest, _each(e_values, e_benjamini_hochberg), _each(p_values, _benjamini_hochberg))


def _each(values: Floats, procedure: Callable[[Floats, float], Bools]) -> Bools:
    """A procedure in each fleet by itself, over those of which anything is said."""
    named = np.zeros(values.shape, np.bool_)
    for fleet, row in enumerate(values):
        tested = ~np.isnan(row)
        named[fleet, tested] = procedure(row[tested], LEVEL)
    return named


def _benjamini_hochberg(p_values: Floats, level: float) -> Bools:
    ascending = np.sort(p_values)
    passing = np.flatnonzero(ascending <= level * np.arange(1, len(p_values) + 1) / max(len(p_values), 1))
    return np.asarray(p_values <= ascending[passing[-1]]) if len(passing) else np.zeros(len(p_values), np.bool_)


@dataclass(frozen=True, slots=True)
class Honest:
    """What came of honest fleets."""

    fleet: Fleet
    fleets: int
    tested: int
    """Units of which the view says anything in the end."""
    named_fleets: int
    """Fleets of which a unit was named on any of the days."""
    funnel_fleets: int
    """Fleets of which the funnel named a unit on any of them."""
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
    by_funnel: int
    """Units that gamed, and that the funnel names on the last of these days."""


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
        fleet, fleets, int(np.sum(~np.isnan(last.e_values))), int(named.any(axis=1).sum()),
        int(np.any([one.by_funnel for one in seen.values()], axis=(0, 2)).sum()), int(early.sum()), int(named.sum()),
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
    seen = [look(clickhouse, fleets, fleet.units, days) for days in HORIZONS]
    named = [one.named for one in seen]
    by_then = [int(np.any(named[: place + 1], axis=0)[:, : fleet.gamed].sum()) for place in range(len(HORIZONS))]
    last = named[-1]
    return Found(
        attack,
        strength,
        fleet,
        fleets * fleet.gamed,
        by_then,
        int(last.sum()),
        int(last[:, fleet.gamed :].sum()),
        int(seen[-1].by_funnel[:, : fleet.gamed].sum()),
    )


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
    yield from _head(
        "units of a fleet", "between units: rate, shape", "of a day", "units tested", "fleets with a unit named", "by the funnel",
        f"units named in {EARLY_DAYS} days", f"in {CLEAN_LOOKS[-1]} days", "evidence ever 20", "ever 100",
    )  # fmt: skip
    for run in runs:
        fleet = run.fleet
        of_fleets = [f"{100 * count / run.fleets:.1f} %" for count in (run.named_fleets, run.funnel_fleets)]
        of_units = [f"{100 * count / run.tested:.2f} %" for count in (run.named_early, run.named, *run.reached.values())]
        between = f"{fleet.rate_between}, {fleet.shape_between}"
        yield _line(str(fleet.units), between, str(fleet.correlation), f"{run.tested:,}", *of_fleets, *of_units)


def power_table(runs: Sequence[Found]) -> Iterator[str]:
    """Yields the lines of a table."""
    within = [f"named within {HORIZONS[0]} days", *map(str, HORIZONS[1:])]
    yield from _head("attack", "strength", "answers a day", "units", *within, "units named", "wrongly", "by the funnel")
    for run in runs:
        shares = [f"{100 * count / run.units:.0f} %" for count in (*run.found, run.by_funnel)]
        known = (run.attack, f"{run.strength:g}", f"{run.fleet.answers:g}", str(run.units))
        yield _line(*known, *shares[:-1], str(run.named), str(run.wrongly), shares[-1])


def _head(*names: str) -> Iterator[str]:
    yield _line(*names)
    yield "|" + "---|" * len(names)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
