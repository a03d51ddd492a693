"""What is read for a report, a class per query; fields are the columns of the query."""

from dataclasses import dataclass
from datetime import date, datetime

from schemas.enums import Metric, UnitState
from streams.reporting.numbers import Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreGroup:
    """Counted responses of one metric, of the period or of as many days before: of a week or month, or of a unit."""

    metric: str
    is_before: bool
    by_unit: bool
    bucket: date
    """Monday of the week, or first day of the month; of no meaning by unit."""
    unit: str
    """Empty by week or month."""
    n: int
    promoters: int
    detractors: int
    top_box: int
    top_two_box: int
    score_sum: float
    score_sum_squares: float
    flagged: int
    flagged_promoters: int
    flagged_detractors: int
    flagged_top_two_box: int

    @property
    def sums(self) -> Sums:
        """The sums, to add and to score."""
        return Sums(
            Metric(self.metric),
            self.n,
            self.promoters,
            self.detractors,
            self.top_two_box,
            self.flagged,
            self.flagged_promoters,
            self.flagged_detractors,
            self.flagged_top_two_box,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedUnit:
    """What is to be thought of a unit as of the newest judged day."""

    unit_id: str
    state: str
    families: list[str]
    since: date | None


@dataclass(frozen=True, slots=True)
class LoyaltyBucket:
    """The responses of a stretch of the period, of the metric that is shown."""

    start: date
    """Monday of the week, or first day of the month; the period may begin after it."""
    sums: Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTotal:
    """The responses of one metric over the period. Scores are on the metric's default scale."""

    metric: Metric
    n: int
    flagged: int
    score_sum: float
    score_sum_squares: float
    top_box: int
    top_two_box: int


@dataclass(frozen=True, slots=True)
class UnitScore:
    """The responses of a unit over the period, of the metric that is shown, and what is to be thought of the unit."""

    unit_id: str
    sums: Sums
    judged: JudgedUnit | None
    """None: it has not been judged yet."""

    @property
    def state(self) -> UnitState:
        """``clear`` where it has not been judged yet."""
        return UnitState.CLEAR if self.judged is None else UnitState(self.judged.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFunnel:
    """A unit against its peers over the period, on the metric that is shown: ``integrity_funnel_last_days``. Rates are shares."""

    unit_id: str
    peer_group: str | None
    metric: str
    rate_n: int
    rate: float
    rate_expected: float
    rate_low: float
    rate_high: float
    q_value: float | None
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FromFirstDay:
    """A unit that the sequential test against peers names at the end of the period: ``integrity_from_first_day_as_of``."""

    unit_id: str
    first_day: date
    e_value: float
    e_value_needed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An alarm about a unit, or about a plan or the fleet."""

    finding_id: str
    of_unit: str
    """Empty: of a plan, or of the fleet."""
    of_plan: str
    detector: str
    state: str
    since: date
    raised_on: date
    sounded_on: date
    e_value: float
    found: float
    looked_at: float
    at_most: float
    response_ids: list[str]
    """At most a hundred; ``responses`` says how many there are."""
    responses: int
    evidence: str
    decision: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWeek:
    """Counted answers of any metric that a unit got in a week."""

    unit_id: str
    start: date
    n: int
    flagged: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGroup:
    """Accounts that are alike: feeling and value delivered in tenths, quadrant and segment; None where it is not known."""

    quadrant: str | None
    loyalty_segment: str | None
    value_tenth: int | None
    feeling_tenth: int | None
    accounts: int
    revenue: float
    lifetime_value: float | None
    bought_once: int
    """Those of them that had bought on one day only when candor fit was last run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A driver question of a survey, from the last fit."""

    survey_id: str
    driver: str
    metric: str
    n: int
    performance: float | None
    performance_low: float | None
    performance_high: float | None
    target: float
    lmg: float | None
    lmg_low: float | None
    lmg_high: float | None
    priority: float | None
    priority_low: float | None
    priority_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """Chances to ask of one kind that became eligible in the period, and what became of them."""

    peer_group: str
    channel: str
    is_new: bool
    eligible: int
    sent: int
    answered: int
    refusals: int
    noncontacts: int
    others: int
    not_sampled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Cases of a programme that were due in the period."""

    programme: str
    due: int
    in_sla: int
    late: int
    not_contacted: int
    debt: int
    """Responses of the period that the survey's rule wanted to be followed up, and that nobody did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageMonth:
    """Messages of a month."""

    month: date
    messages: int
    selling: int
    value: int
    offers: int
    attention_errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthMonth:
    """Revenue of a month in the base currency."""

    month: date
    revenue: float
    earned_new_revenue: float
    bought_new_revenue: float
    other_new_revenue: float
    customers: int
    customers_new: int
    customers_earned_new: int
    customers_bought_new: int
    nrr: float | None
    grr: float | None
    earned_growth_rate: float | None
    induced_share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """What predicts buying again, from the last fit."""

    predictor: str
    n: int
    bought: int
    auc: float | None
    low: float | None
    high: float | None
    compared_with: str | None
    gain: float | None
    gain_low: float | None
    gain_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """A scorecard of the catalog."""

    scorecard: str
    kpis: int
    company_kpis: int
    ratio: float
    ratio_paid: float | None
    conflicts: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRun:
    """The last fit of a model."""

    model: str
    state: str
    as_of: date
    explanation: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Which days and whose answers the report is about."""

    start: date
    end: date
    newest_answer: date | None
    """Day of the newest counted response of all; None: there is none."""
    units: tuple[str, ...] | None
    """The units that are meant, None for all."""
    asked: tuple[str, ...]
    """What was asked for, in words: units, peer groups, survey; empty for all."""
    survey: str | None
    metric: Metric | None
    """What scores were asked for; None: of the metric with most responses."""
    weekly: bool
    """Whether the time line goes by weeks; else by months."""

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.end - self.start).days + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """Everything that a report is made of."""

    scope: Scope
    currency: str
    metric: Metric
    """What scores are shown of."""
    loyalty: list[LoyaltyBucket]
    before: Sums
    """The responses of as many days before the period, of the metric that is shown."""
    metrics: list[MetricTotal]
    """Those that have responses in the period, those with most first."""
    units: list[UnitScore]
    """Those with responses of the metric that is shown, and those whose state is not ``clear``."""
    judged: int
    """Units of the scope that have been judged, with or without responses in the period."""
    funnel: list[UnitFunnel]
    from_first_day: list[FromFirstDay]
    findings: list[Finding]
    plan_units: dict[str, list[str]]
    """Units of each incentive plan."""
    unit_weeks: list[UnitWeek]
    accounts: list[AccountGroup]
    drivers: list[Driver]
    strata: list[Stratum]
    follow_up: list[FollowUp]
    messages: list[MessageMonth]
    growth: list[GrowthMonth]
    prediction: list[Predictor]
    scorecards: list[Scorecard]
    runs: list[ModelRun]
    comments: dict[tuple[str, str], str]
    """Of each view and column: its comment; the column is empty for the view itself."""
    copied_at: datetime | None
    """When the oldest of the copies was made that this was read from (UTC); None: read from the views."""

    @property
    def is_metric_chosen(self) -> bool:
        """Whether ``metric`` was asked for or has responses here; else it is told of nothing."""
        return bool(self.metrics) or self.scope.metric is not None
