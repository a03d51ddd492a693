"""Fleets for tests of what stands out among peers: drawn ones, and what a plain computation expects of the funnel."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.rows import TABLES, Table
from sinks.clickhouse import ClickHouse
from tests.sinks.loyalty import MONDAY, cells

FLEETS = 300


@dataclass(frozen=True, slots=True)
class Kind:
    """Fleets of one kind: honest units differ by beta distributions with the given means and intra-class correlations."""

    units: int
    size: float
    spread: float
    rate: float
    rate_correlation: float
    shape: float
    shape_correlation: float
    gamed: int = 0
    """The first units of each fleet gamed from their first day."""
    converted: float = 0.0
    """Of their answers in the second box, the share that became top ones; of those below, seven tenths of that."""


def put(clickhouse: ClickHouse, groups: Mapping[str, str | None]) -> None:
    """Make the catalog's units these, with their peer groups."""
    clickhouse.command("TRUNCATE TABLE units")
    known = {"unit_id": list(groups), "peer_group": pa.array(groups.values(), pa.string()), "region": pa.array([None] * len(groups), pa.string())}
    clickhouse.insert_into("units", pa.table({**known, "version": pa.array([1] * len(groups), pa.uint64())}))


def answers(clickhouse: ClickHouse, units: Mapping[str, tuple[int, int, int]], **others: object) -> None:
    """Insert so many responses of each unit: all, at the top, in the two boxes at the top."""
    cells(clickhouse, *({"unit_id": unit, "n": n, "top_box": top, "top_two_box": two, **others} for unit, (n, top, two) in units.items()))


def draw(clickhouse: ClickHouse, kind: Kind, seed: int) -> None:
    """Replace all sums by those of drawn fleets; each fleet is a peer group, and units are named ``fleet/unit``."""
    random = np.random.default_rng(seed)
    count = FLEETS * kind.units
    names = [f"{number // kind.units}/{number % kind.units}" for number in range(count)]
    rates, shapes = _beta(random, kind.rate, kind.rate_correlation, count), _beta(random, kind.shape, kind.shape_correlation, count)
    sizes = np.exp(random.normal(np.log(kind.size), kind.spread, count))
    store_share = random.beta(3, 3, count)
    converted = np.where(np.arange(count) % kind.units < kind.gamed, kind.converted, 0.0)
    columns: dict[str, list[object]] = {name: [] for name in ("unit_id", "channel", "n", "top_box", "top_two_box")}
    for channel, share, offset in (("store", store_share, -0.04), ("web", 1 - store_share, 0.04)):
        n = random.poisson(sizes * share)
        two = random.binomial(n, np.clip(rates / kind.shape + offset, 0.01, 0.99))
        top = random.binomial(two, shapes)
        from_second, from_below = random.binomial(two - top, converted), random.binomial(n - two, 0.7 * converted)
        top, two = top + from_second + from_below, two + from_below
        for name, values in zip(columns, (names, [channel] * count, n.tolist(), top.tolist(), two.tolist()), strict=True):
            columns[name] += values
    clickhouse.command(f"TRUNCATE TABLE {Table.LOYALTY}")
    clickhouse.insert(Table.LOYALTY, _cells(columns, 2 * count))
    put(clickhouse, {name: name.split("/", maxsplit=1)[0] for name in names})


def _beta(random: np.random.Generator, mean: float, correlation: float, count: int) -> npt.NDArray[np.float64]:
    strength = 1 / correlation - 1
    drawn: npt.NDArray[np.float64] = random.beta(mean * strength, (1 - mean) * strength, count)
    return drawn


def _cells(columns: Mapping[str, Sequence[object]], count: int) -> pa.Table:
    full: dict[str, Sequence[object]] = {**columns, "day": [MONDAY] * count, "metric": ["nps"] * count}
    schema = TABLES[Table.LOYALTY].arrow_schema
    return pa.table(
        [pa.array(full.get(f.name, [Decimal(0) if pa.types.is_decimal(f.type) else 0] * count), f.type) for f in schema],
        schema=schema,
    )


def false_share(rows: Iterable[Mapping[str, object]], kind: Kind) -> tuple[float, float]:
    """Benjamini and Hochberg's procedure in each fleet by itself: the mean false-discovery share, and the share of gamed units that are named."""
    by_fleet: dict[str, list[tuple[float, bool]]] = {}
    for row in rows:
        fleet, number = str(row["unit_id"]).split("/")
        if isinstance(chance := row["p_value"], float):
            by_fleet.setdefault(fleet, []).append((chance, int(number) < kind.gamed))
    false, found = [], 0
    for tests in by_fleet.values():
        tests.sort()
        last = max((rank for rank, (chance, _) in enumerate(tests, start=1) if chance <= 0.05 * rank / len(tests)), default=0)
        named = [is_gamed for _, is_gamed in tests[:last]]
        false.append(named.count(False) / max(1, len(named)))
        found += named.count(True)
    return sum(false) / FLEETS, found / max(1, kind.gamed * FLEETS)


@dataclass(slots=True)
class Expected:
    """What a plain computation says of one unit."""

    usual: float
    between: float = field(default=0.0)
    z: float = field(default=0.0)
    chance: float = field(default=0.0)


def funnel(units: Sequence[Mapping[str, tuple[int, int]]], least_between: float) -> list[Expected]:
    """The funnel of one peer group of at least eight units, all of whose channels can be compared: for each unit (size, hits) per channel."""
    sizes = [sum(size for size, _ in unit.values()) for unit in units]
    found = [sum(hits for _, hits in unit.values()) for unit in units]
    expected, sampling, overlap = [], [], []
    for index, unit in enumerate(units):
        rest = [other for position, other in enumerate(units) if position != index]
        rate = chance = squares = 0.0
        for channel, (size, _) in unit.items():
            there = [other[channel] for other in rest if channel in other]
            total, share = sum(n for n, _ in there), size / sizes[index]
            rate += share * sum(hits for _, hits in there) / total
            chance += share**2 / total
            squares += share**2 * sum(n * n for n, _ in there) / total**2
        expected.append(rate)
        sampling.append(chance)
        overlap.append(squares)
    distances = [distance((hits + 0.5) / (size + 1), rate) for hits, size, rate in zip(found, sizes, expected, strict=True)]
    middle = median(distances)
    lower = [(1 / size, away - middle) for size, away in zip(sizes, distances, strict=True) if away <= middle]
    weights = [(v + 0.018) ** -2 for v, _ in lower]
    corrected = len(lower) / (len(lower) - 1)
    between = max(least_between, sum(w * (corrected * d * d - v) for w, (v, d) in zip(weights, lower, strict=True)) / sum(weights))
    doubt = 2 * sum((corrected * w * (v + between)) ** 2 for w, (v, _) in zip(weights, lower, strict=True)) / sum(weights) ** 2
    mean_chance = sum(1 / size for size in sizes) / len(sizes)
    results = []
    for size, hits, rate, chance, squares in zip(sizes, found, expected, sampling, overlap, strict=True):
        variance = 1 / size + between + math.pi / 2 * (mean_chance + between) / len(sizes) + chance + between * squares
        degrees = min(30, 2 * math.floor((2 * variance**2 / doubt - 1) / 2))
        z = (distance((hits - 0.5) / size, rate) - middle) / math.sqrt(variance)
        results.append(Expected(moved(rate, middle), between, z, _student_tail(z, degrees)))
    return results


def _slope(rate: npt.NDArray[np.float64], usual: float) -> npt.NDArray[np.float64]:
    """How fast the distance grows with the rate: the scale of log odds, or of the arc sine, that has slope 1 / sd at the usual rate."""
    deviation = rate * (1 - rate)
    slope: npt.NDArray[np.float64] = math.sqrt(usual * (1 - usual)) / deviation if usual < 0.5 else 1 / np.sqrt(deviation)
    return slope


def distance(rate: float, usual: float) -> float:
    """How far a rate is above the usual one, in units in which its variance is 1 / n + the intra-class correlation."""
    grid = np.linspace(usual, rate, 20_001)
    return float(np.trapezoid(_slope(grid, usual), grid))


def moved(usual: float, by: float) -> float:
    """The rate that lies so far above the usual one."""
    low, high = 1e-6, 1 - 1e-6
    for _ in range(40):
        half = (low + high) / 2
        low, high = (half, high) if distance(half, usual) < by else (low, half)
    return low


def _student_tail(t: float, degrees: int) -> float:
    """By integrating the density, its far end mapped to 0."""
    grid = np.linspace(1e-9, 1, 200_001)
    constant = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    values = abs(t) - 1 + 1 / grid
    tail = float(np.trapezoid(constant * (1 + values**2 / degrees) ** (-(degrees + 1) / 2) / grid**2, grid))
    return tail if t >= 0 else 1 - tail
