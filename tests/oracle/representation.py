"""Who could have been asked, who was heard, and what the score says once it stands for all of them (R42), cell by cell from scratch."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from math import sqrt

from tests.oracle import facts
from tests.oracle.loyalty import window
from tests.oracle.records import Catalog, Row, Rows
from tests.oracle.scores import Z, response_class
from tests.oracle.validate import Event

Stratum = tuple[str, str, bool]
"""Peer group, channel of the invitation, new or not."""
ROUNDS = 60
MOST_ERROR = 0.001
LEAST_WEIGHT, GREATEST_WEIGHT = 0.3, 3.0
GRAINS: dict[str, Callable[["Chance"], str]] = {"unit": lambda one: one.unit_id, "channel": lambda one: one.channel, "total": lambda _: ""}
OF_LOYALTY = ("nps_weighted", "nps_weighted_low", "nps_weighted_high", "effective_sample_size")


@dataclass(frozen=True, slots=True)
class Chance:
    """A purchase after which the customer could have been asked."""

    account_id: str
    invitation_id: str
    transaction_id: str | None
    unit_id: str
    channel: str
    peer_group: str
    is_new: bool
    eligible_at: datetime
    day: date
    steps: frozenset[str]
    opted_out: bool
    answered: bool
    classes: Counter[str]
    """Of the counted nps responses that name it."""

    @property
    def stratum(self) -> Stratum:
        """The stratum (R42)."""
        return self.peer_group, self.channel, self.is_new

    @property
    def disposition(self) -> str:
        """What AAPOR calls what became of it."""
        if self.answered:
            return "complete"
        if self.steps == {"eligible"}:
            return "not_sampled"
        if self.opted_out or "opened" in self.steps:
            return "refusal"
        return "noncontact" if "sent" in self.steps else "other"

    @property
    def reachable(self) -> bool:
        """Sent and not bounced."""
        return "sent" in self.steps and "bounced" not in self.steps


def chances(events: Iterable[Event], catalog: Catalog) -> list[Chance]:
    """Every invitation that the transaction system called eligible, described by its earliest such event; test traffic left out."""
    events = list(events)
    steps: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in facts.facts(events, "invitations", facts.KEYS["invitations"], catalog).values():
        if not row["synthetic"]:
            steps[str(row["account_id"]), str(row["invitation_id"])].append(row)
    purchases: dict[str, list[Row]] = defaultdict(list)
    for row in facts.transactions(events, catalog).values():
        if row["event_type"] == "transaction.completed" and not row["synthetic"]:
            purchases[str(row["account_id"])].append(row)
    answers: dict[tuple[object, object], list[str]] = defaultdict(list)
    for response in facts.newest_revisions(events).values():
        if response.counted:
            fields = response.event.fields
            of_class = response_class(str(fields["metric"]), facts.mapped_score(response.event))
            answers[response.event.account_id, fields["invitation_id"]].append(of_class or "")
    return [
        _chance(of_chance, purchases[account], answers.get((account, invitation)), catalog)
        for (account, invitation), of_chance in steps.items()
        if any(step["event_type"] == "invitation.eligible" for step in of_chance)
    ]


def _chance(steps: list[Row], purchases: list[Row], answers: list[str] | None, catalog: Catalog) -> Chance:
    first = min(
        (step for step in steps if step["event_type"] == "invitation.eligible"),
        key=lambda step: (step["occurred_at"], str(step["event_id"]).encode()),
    )
    eligible_at, day = first["occurred_at"], first["day"]
    assert isinstance(eligible_at, datetime)
    assert isinstance(day, date)
    return Chance(
        str(first["account_id"]),
        str(first["invitation_id"]),
        None if first["transaction_id"] is None else str(first["transaction_id"]),
        str(first["unit_id"] or ""),
        str(first["channel"]),
        catalog.peer_groups.get(str(first["unit_id"]), ""),
        _is_new(first, purchases),
        eligible_at,
        day,
        frozenset(str(step["event_type"]).removeprefix("invitation.") for step in steps),
        any(step["event_type"] == "invitation.suppressed" and step["suppression_reason"] == "opt_out" for step in steps),
        answers is not None,
        Counter(filter(None, answers or ())),
    )


def _is_new(first: Row, purchases: list[Row]) -> bool:
    named = [row for row in purchases if row["transaction_id"] == first["transaction_id"]]
    if named and named[0]["is_new_customer"] is not None:
        return bool(named[0]["is_new_customer"])
    in_order = sorted(purchases, key=lambda row: (row["occurred_at"], str(row["transaction_id"]).encode()))
    if named and in_order[0] is named[0]:
        return True
    eligible_at = first["occurred_at"]
    assert isinstance(eligible_at, datetime)
    return sum(1 for row in purchases if isinstance(row["occurred_at"], datetime) and row["occurred_at"] <= eligible_at) < 2


def survey_chances(known: Iterable[Chance]) -> Rows:
    """One row per chance."""
    return {
        (one.account_id, one.invitation_id): {
            "transaction_id": one.transaction_id,
            "unit_id": one.unit_id,
            "channel": one.channel,
            "peer_group": one.peer_group,
            "is_new": one.is_new,
            "eligible_at": one.eligible_at,
            "day": one.day,
            "was_sampled": one.steps != {"eligible"},
            "was_sent": "sent" in one.steps,
            "bounced": "bounced" in one.steps,
            "disposition": one.disposition,
            "answered": one.answered,
            "nps_responses": one.classes.total(),
            "promoters": one.classes["promoter"],
            "detractors": one.classes["detractor"],
        }
        for one in known
    }


def response_strata(known: Iterable[Chance]) -> Rows:
    """Counts per window, unit and stratum; window None is all days."""
    groups: dict[tuple[object, ...], list[Chance]] = defaultdict(list)
    for one in known:
        for start in (None, window(one.day)):
            groups[start, one.unit_id, *one.stratum].append(one)
    return {key: _stratum_row(group) for key, group in groups.items()}


def _stratum_row(group: list[Chance]) -> Row:
    became = Counter(one.disposition for one in group)
    sampled, reachable = len(group) - became["not_sampled"], sum(one.reachable for one in group)
    return {
        "eligible": len(group),
        "sampled": sampled,
        "deliverable": reachable,
        "completes": became["complete"],
        "refusals": became["refusal"],
        "noncontacts": became["noncontact"],
        "others": became["other"],
        "nps_responses": sum(one.classes.total() for one in group),
        "promoters": sum(one.classes["promoter"] for one in group),
        "detractors": sum(one.classes["detractor"] for one in group),
        "rr1": Fraction(became["complete"], sampled) if sampled else None,
        "coverage": Fraction(reachable, len(group)),
        "propensity": Fraction(became["complete"], len(group)),
    }


def representation(known: Iterable[Chance]) -> Rows:
    """By grain, name and window; window None is all days."""
    groups: dict[tuple[object, ...], list[Chance]] = defaultdict(list)
    for one in known:
        for grain, name in GRAINS.items():
            for start in (None, window(one.day)):
                groups[grain, name(one), start].append(one)
    return {key: _row(group) for key, group in groups.items()}


def _row(group: list[Chance]) -> Row:
    cells: dict[Stratum, list[Chance]] = defaultdict(list)
    for one in group:
        cells[one.stratum].append(one)
    size, answered = len(group), sum(one.answered for one in group)
    mean = Fraction(answered, size)
    shares = [(Fraction(len(cell), size), Fraction(sum(one.answered for one in cell), len(cell)), len(cell)) for cell in cells.values()]
    spread = sum((weight * (share - mean) ** 2 for weight, share, _ in shares), Fraction(0))
    # An unbiased estimate of the variance of each share, as it enters the spread around a mean that has a variance itself.
    noise = sum((weight * (1 - weight) * share * (1 - share) / max(many - 1, 1) for weight, share, many in shares), Fraction(0))
    indicator = 1 - 2 * sqrt(spread)
    classes = sum((one.classes for one in group), Counter[str]())
    n = classes.total()
    nps = Fraction(100 * (classes["promoter"] - classes["detractor"]), n) if n else None
    bound = (1 - indicator) / (2 * float(mean)) if answered else None
    weighted = _weighted({stratum: len(cell) for stratum, cell in cells.items()}, _heard(cells))
    return {
        "eligible": size,
        "completes": answered,
        "coverage": Fraction(sum(one.reachable for one in group), size),
        "strata": len(cells),
        "r_indicator": indicator,
        "r_indicator_adjusted": 1 - 2 * sqrt(max(spread - noise, Fraction(0))),
        "bias_bound": bound,
        "n": n,
        "nps": nps,
        "nps_bias_bound": bound * 100 * _deviation(classes) if bound is not None and n else None,
        **weighted,
        "representativeness_gap": _less(weighted["nps_weighted"], nps),
    }


def _less(weighted: object, nps: Fraction | None) -> float | None:
    return weighted - float(nps) if isinstance(weighted, float) and nps is not None else None


def _deviation(classes: Counter[str]) -> float:
    """Standard deviation of answers that count 1, 0 and -1."""
    n = classes.total()
    return sqrt(Fraction(classes["promoter"] + classes["detractor"], n) - Fraction(classes["promoter"] - classes["detractor"], n) ** 2)


def _heard(cells: Mapping[Stratum, list[Chance]]) -> dict[Stratum, Counter[str]]:
    heard = {stratum: sum((one.classes for one in cell), Counter[str]()) for stratum, cell in cells.items()}
    return {stratum: classes for stratum, classes in sorted(heard.items()) if classes}


def rake(population: Mapping[Stratum, int], sizes: Mapping[Stratum, int], rounds: int = ROUNDS) -> tuple[dict[Stratum, float], float]:
    """Weights of the cells that answered, by iterative proportional fitting, and by how much of it a margin is off at most afterwards.

    Categories without an answer are left out of the targets.
    """
    n = sum(sizes.values())
    targets: list[dict[object, float]] = []
    for variable in range(3):
        totals = Counter[object]()
        for stratum, many in sorted(population.items()):
            totals[stratum[variable]] += many
        kept = {category: many for category, many in totals.items() if any(stratum[variable] == category for stratum in sizes)}
        targets.append({category: n / sum(kept.values()) * many for category, many in kept.items()})
    weights = dict.fromkeys(sizes, 1.0)

    def totals_of(variable: int) -> dict[object, float]:
        found: dict[object, float] = defaultdict(float)
        for stratum, weight in weights.items():
            found[stratum[variable]] += weight * sizes[stratum]
        return found

    for _ in range(rounds):
        for variable in range(3):
            now = totals_of(variable)
            weights = {stratum: weight * targets[variable][stratum[variable]] / now[stratum[variable]] for stratum, weight in weights.items()}
    error = max(abs(totals_of(variable)[category] / goal - 1) for variable in range(3) for category, goal in targets[variable].items())
    return weights, error


def _weighted(population: Mapping[Stratum, int], heard: Mapping[Stratum, Counter[str]]) -> Row:
    nothing: Row = dict.fromkeys((*OF_LOYALTY, "design_effect", "least_weight", "greatest_weight"))
    if not heard:
        return nothing | {"raking_error": None}
    weights, error = rake(population, {stratum: classes.total() for stratum, classes in heard.items()})
    if error > MOST_ERROR:
        return nothing | {"raking_error": error}
    # One by one, as if each response had a weight of its own.
    each = [
        (min(GREATEST_WEIGHT, max(LEAST_WEIGHT, weights[stratum])), of_class) for stratum, classes in heard.items() for of_class in classes.elements()
    ]
    total = sum(weight for weight, _ in each)
    effective = total**2 / sum(weight**2 for weight, _ in each)
    up = sum(weight for weight, of_class in each if of_class == "promoter") / total
    down = sum(weight for weight, of_class in each if of_class == "detractor") / total
    low, high = interval(up, down, effective)
    return {
        "nps_weighted": 100 * (up - down),
        "nps_weighted_low": low,
        "nps_weighted_high": high,
        "effective_sample_size": effective,
        "design_effect": len(each) / effective,
        "least_weight": min(weights.values()),
        "greatest_weight": max(weights.values()),
        "raking_error": error,
    }


def interval(up: float, down: float, n: float) -> tuple[float, float]:
    """The adjusted-Wald interval of shares of promoters and detractors among ``n`` responses, in points (R16)."""
    more, less = (up * n + 0.75) / (n + 3), (down * n + 0.75) / (n + 3)
    margin = Z * sqrt((more + less - (more - less) ** 2) / (n + 3))
    return max(-100.0, 100 * (more - less - margin)), min(100.0, 100 * (more - less + margin))


def with_representation(loyalty: Rows, represented: Rows, grain: str, dimensions: int) -> Rows:
    """The rows of a loyalty view (keys: so many dimensions, metric, window), each with who was heard among its chances."""
    found: Rows = {}
    for key, row in loyalty.items():
        name = str(key[0]) if dimensions else ""
        beside = represented.get((grain, name, key[-1]), {})
        of_nps = beside if key[-2] == "nps" else {}
        found[key] = (
            row
            | {column: beside.get(column) for column in ("coverage", "r_indicator", "bias_bound")}
            | {column: of_nps.get(column) for column in OF_LOYALTY}
        )
    return found


def revenue_weighted(events: Iterable[Event], catalog: Catalog) -> Rows:
    """Scores by the amount of the purchase that each response names, by grain, name and window; window None is all days."""
    events = list(events)
    amounts = {
        key: row["amount_base"]
        for key, row in facts.transactions(events, catalog).items()
        if row["event_type"] == "transaction.completed" and not row["synthetic"]
    }
    groups: dict[tuple[object, ...], list[tuple[Decimal, str | None]]] = defaultdict(list)
    for response in facts.newest_revisions(events).values():
        fields = response.event.fields
        amount = amounts.get((response.event.account_id, fields.get("transaction_id")), Decimal(0))
        assert isinstance(amount, Decimal)
        if not response.counted or fields["metric"] != "nps" or amount <= 0:
            continue
        of_class = response_class("nps", facts.mapped_score(response.event))
        for grain, name in (("unit", fields["unit_id"]), ("channel", fields["channel"]), ("total", "")):
            for start in (None, window(facts.local_day(response.event.occurred_at, catalog))):
                groups[grain, name, start].append((amount, of_class))
    return {key: _revenue_row(group) for key, group in groups.items()}


def _revenue_row(group: list[tuple[Decimal, str | None]]) -> Row:
    revenue = sum((amount for amount, _ in group), Decimal(0))
    effective = Fraction(revenue) ** 2 / sum((Fraction(amount) ** 2 for amount, _ in group), Fraction(0))
    of_class = {name: sum((amount for amount, one in group if one == name), Decimal(0)) for name in ("promoter", "detractor")}
    shares = {name: float(Fraction(amount) / Fraction(revenue)) for name, amount in of_class.items()}
    low, high = interval(shares["promoter"], shares["detractor"], float(effective))
    classes = Counter(one for _, one in group)
    return {
        "n": len(group),
        "revenue": revenue,
        "nps": Fraction(100 * (classes["promoter"] - classes["detractor"]), len(group)),
        "nps_revenue_weighted": 100 * (shares["promoter"] - shares["detractor"]),
        "nps_revenue_weighted_low": low,
        "nps_revenue_weighted_high": high,
        "effective_sample_size": effective,
    }
