"""Who there is: regions, units, agents, products, surveys, customers with a feeling of their own."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.enums import AcquisitionReason, Channel, Metric
from streams.core.batch import Bools, Floats, Int64s
from streams.simulate.plan import MICROSECONDS_A_DAY, Plan
from streams.simulate.text import hashes, names

CHANNELS = tuple(channel.value for channel in Channel)
WEB, APP, EMAIL, SMS, PHONE, STORE, KIOSK, CHAT = (list(Channel).index(channel) for channel in list(Channel)[:8])
TIMEZONE = "Europe/Berlin"
BASE_CURRENCY = "EUR"
FX_RATES = {"USD": 0.92, "GBP": 1.17}


@dataclass(frozen=True, slots=True)
class Region:
    """Where units are; ``hours`` is what local time is ahead of UTC."""

    name: str
    currency: str
    weight: float
    hours: int


REGIONS = (
    Region("dach", "EUR", 0.40, 1),
    Region("benelux", "EUR", 0.20, 1),
    Region("uk", "GBP", 0.22, 0),
    Region("us", "USD", 0.18, -5),
)
PEER_GROUPS = ("city", "suburb", "online", "service")
CHANNELS_OF_PEER_GROUP = (
    ((STORE, 0.70), (KIOSK, 0.10), (APP, 0.20)),
    ((STORE, 0.80), (PHONE, 0.10), (WEB, 0.10)),
    ((WEB, 0.60), (APP, 0.30), (CHAT, 0.10)),
    ((PHONE, 0.50), (CHAT, 0.30), (EMAIL, 0.20)),
)


@dataclass(frozen=True, slots=True)
class Survey:
    """One questionnaire; the scale is the metric's own unless ``scale`` says otherwise."""

    survey_id: str
    metric: Metric
    programme: str
    share: float
    drivers: tuple[str, ...]
    scale: tuple[int, int] | None = None

    @property
    def low(self) -> int:
        """The lowest score."""
        return self.scale[0] if self.scale else {Metric.NPS: 0}.get(self.metric, 1)

    @property
    def high(self) -> int:
        """The highest score."""
        return self.scale[1] if self.scale else {Metric.NPS: 10, Metric.CES: 7}.get(self.metric, 5)


SURVEYS = (
    Survey("relationship", Metric.NPS, "relationship", 0.40, ("product", "price", "staff", "speed")),
    Survey("visit", Metric.NPS, "touchpoint", 0.32, ("staff", "speed", "cleanliness")),
    Survey("service", Metric.CSAT, "touchpoint", 0.10, ("staff", "solution")),
    Survey("effort", Metric.CES, "touchpoint", 0.06, ("solution",)),
    Survey("delivery", Metric.CSAT, "touchpoint", 0.04, (), (1, 7)),
    Survey("review", Metric.RATING, "reviews", 0.08, ()),
)
REVIEW = len(SURVEYS) - 1
AGENTS_A_UNIT = 8
PRODUCTS = 120
TEST_ACCOUNT_SHARE = 0.002
_KNOWN_BEFORE = 0.62
_REASONS = (0.18, 0.12, 0.22, 0.16, 0.10, 0.02, 0.20)


@dataclass(frozen=True, slots=True)
class Company:
    """The company, as arrays indexed by unit, product, account or day. Money in cents of the region's currency, days since the start."""

    plan: Plan
    unit_region: Int64s
    unit_peer_group: Int64s
    unit_weight: Floats
    unit_satisfaction: Floats
    price: Int64s
    margin: Floats
    consumable: Bools
    product_weight: Floats
    home_unit: Int64s
    feeling: Floats
    """What the customer makes of the company, 0..1; nobody sees it, everything follows from it."""
    activity: Floats
    joined: Floats
    left: Floats
    new: Bools
    reason: Int64s
    referrer: Int64s
    """Account that referred this one; -1: none."""
    test: Bools
    """Accounts of monitoring probes: all their events are synthetic."""
    day_weight: Floats
    account_ids: list[str]
    device: list[str]
    contact: list[str]
    unit_ids: list[str]
    product_ids: list[str]

    @property
    def cumulative_days(self) -> Floats:
        """Demand up to the start of each day, and up to the end; 0..1."""
        summed = np.concatenate(([0.0], np.cumsum(self.day_weight)))
        return np.asarray(summed / summed[-1])

    def when(self, share: Floats, first: Floats, last: Floats) -> Floats:
        """Days since the start at ``share`` (0..1) of the demand between the days ``first`` and ``last``."""
        cumulative = self.cumulative_days
        days = np.arange(len(cumulative), dtype=np.float64)
        low, high = np.interp(first, days, cumulative), np.interp(last, days, cumulative)
        return np.asarray(np.interp(low + share * (high - low), cumulative, days))


def build_company(plan: Plan, random: np.random.Generator) -> Company:
    """The company of a plan; the same random state gives the same company."""
    units = plan.units
    unit_region = random.choice(len(REGIONS), units, p=[region.weight for region in REGIONS])
    unit_peer_group = random.integers(0, len(PEER_GROUPS), units)
    unit_weight = random.lognormal(0.0, 0.45, units)
    unit_satisfaction = np.clip(random.normal(0.64, 0.07, units), 0.3, 0.9)
    price = np.round(np.exp(random.normal(3.4, 0.9, PRODUCTS)) * 100).astype(np.int64) + 99
    accounts = plan.accounts
    new = random.random(accounts) > _KNOWN_BEFORE
    feeling = random.beta(5.0, 2.2, accounts)
    days = float(plan.days)
    joined = np.where(new, random.random(accounts) * days * 0.97, 0.0)
    monthly_hazard = 0.008 + 0.12 * (1 - feeling) ** 2
    left = np.minimum(joined + 1.0 + random.exponential(1.0, accounts) * 30.4 / monthly_hazard, days)
    reason = np.where(new, random.choice(len(_REASONS), accounts, p=_REASONS), len(_REASONS) - 1)
    referred = reason == list(AcquisitionReason).index(AcquisitionReason.REFERRAL)
    known = np.flatnonzero(~new)
    weight = feeling[known] ** 4
    referrer = random.choice(known, accounts, p=weight / weight.sum()) if len(known) else np.full(accounts, -1)
    ids = np.arange(accounts)
    return Company(
        plan=plan,
        unit_region=unit_region,
        unit_peer_group=unit_peer_group,
        unit_weight=unit_weight,
        unit_satisfaction=unit_satisfaction,
        price=price,
        margin=random.uniform(0.25, 0.6, PRODUCTS),
        consumable=random.random(PRODUCTS) < 0.4,
        product_weight=_shares(1.0 / np.arange(1, PRODUCTS + 1) ** 0.8),
        home_unit=random.choice(units, accounts, p=_shares(unit_weight)),
        feeling=feeling,
        activity=random.gamma(1.2, 1.0, accounts) * (0.4 + feeling),
        joined=joined,
        left=left,
        new=new,
        reason=reason,
        referrer=np.where(referred, referrer, -1).astype(np.int64),
        test=random.random(accounts) < TEST_ACCOUNT_SHARE,
        day_weight=_day_weights(plan, random),
        account_ids=names("a-%06d", ids),
        device=hashes(plan.seed * 4 + 1, ids),
        contact=hashes(plan.seed * 4 + 2, ids),
        unit_ids=names("unit-%03d", np.arange(1, units + 1)),
        product_ids=names("p-%03d", np.arange(1, PRODUCTS + 1)),
    )


def _shares(weights: npt.NDArray[np.floating]) -> Floats:
    return np.asarray(weights / weights.sum(), np.float64)


def _day_weights(plan: Plan, random: np.random.Generator) -> Floats:
    """Demand of each day: weekdays, seasons, slow growth, weather."""
    day = np.arange(plan.days)
    weekday = (plan.start.weekday() + day) % 7
    of_week = np.array([0.95, 0.9, 0.95, 1.0, 1.2, 1.35, 0.65])[weekday]
    season = 1 + 0.15 * np.cos(2 * np.pi * (plan.start.timetuple().tm_yday + day - 350) / 365.25)
    growth = 1 + 0.15 * day / 365.25
    return np.asarray(of_week * season * growth * random.lognormal(0.0, 0.08, plan.days))


def later(instants: Int64s, days: Floats) -> Int64s:
    """So many days after the instants, cut to milliseconds."""
    return np.asarray(instants + (days * MICROSECONDS_A_DAY).astype(np.int64) // 1000 * 1000)


def to_instants(plan: Plan, days: Floats) -> Int64s:
    """Days since the start to microseconds since 1970, cut to milliseconds."""
    return later(np.full(len(days), plan.start_us), days)
