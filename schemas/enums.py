"""Closed sets, each declared once; models, tables, metric labels and documentation are made from them."""

from enum import StrEnum


class Topic(StrEnum):
    """An input topic, without the prefix."""

    FEEDBACK = "feedback"
    TRANSACTIONS = "transactions"
    INVITATIONS = "invitations"
    COMMUNICATIONS = "communications"
    ACTIONS = "actions"
    OUTCOMES = "outcomes"
    OPERATIONS = "operations"


class Stage(StrEnum):
    """A pure function over batches; where a dead letter was made."""

    ACCOUNTS = "accounts"
    UNITS = "units"


class Channel(StrEnum):
    """Where the customer was met."""

    WEB = "web"
    APP = "app"
    EMAIL = "email"
    SMS = "sms"
    PHONE = "phone"
    STORE = "store"
    KIOSK = "kiosk"
    CHAT = "chat"
    PARTNER = "partner"
    OTHER = "other"


OF_MANY_CUSTOMERS = frozenset({Channel.KIOSK, Channel.STORE, Channel.PHONE})
"""Channels where one device is that of many: kiosks, tills, and those who fill in what customers say on the phone."""


class FeedbackType(StrEnum):
    """Event types of the feedback topic."""

    SUBMITTED = "response.submitted"
    WITHDRAWN = "response.withdrawn"


class TransactionType(StrEnum):
    """Event types of the transactions topic."""

    COMPLETED = "transaction.completed"
    REFUNDED = "transaction.refunded"


class InvitationType(StrEnum):
    """Event types of the invitations topic: what happened to a chance to ask."""

    ELIGIBLE = "invitation.eligible"
    SAMPLED = "invitation.sampled"
    SUPPRESSED = "invitation.suppressed"
    SENT = "invitation.sent"
    DELIVERED = "invitation.delivered"
    BOUNCED = "invitation.bounced"
    OPENED = "invitation.opened"
    REMINDED = "invitation.reminded"
    EXPIRED = "invitation.expired"


class CommunicationType(StrEnum):
    """Event types of the communications topic."""

    SENT = "communication.sent"


class CaseType(StrEnum):
    """Event types of the actions topic, in the order that breaks ties of equal time (reading R27)."""

    OPENED = "case.opened"
    ASSIGNED = "case.assigned"
    CONTACTED = "case.contacted"
    ESCALATED = "case.escalated"
    RESOLVED = "case.resolved"
    CONFIRMED = "case.confirmed"
    REOPENED = "case.reopened"


class OutcomeType(StrEnum):
    """Event types of the outcomes topic."""

    RECORDED = "outcome.recorded"


class OperationType(StrEnum):
    """Event types of the operations topic."""

    OBSERVED = "operation.observed"


class Metric(StrEnum):
    """What a score measures."""

    NPS = "nps"
    CSAT = "csat"
    CES = "ces"
    RATING = "rating"


class ResponseClass(StrEnum):
    """Class of an nps response."""

    PROMOTER = "promoter"
    PASSIVE = "passive"
    DETRACTOR = "detractor"


class ContactClass(StrEnum):
    """What kind of address a response or an invitation came from or went to."""

    CUSTOMER = "customer"
    STAFF = "staff"
    FREE = "free"
    ROLE = "role"
    UNKNOWN = "unknown"


class AcquisitionReason(StrEnum):
    """Why the customer came."""

    REFERRAL = "referral"
    RECOMMENDATION = "recommendation"
    ADVERTISING = "advertising"
    PROMOTION = "promotion"
    SALES = "sales"
    MERGER = "merger"
    UNKNOWN = "unknown"


class SuppressionReason(StrEnum):
    """Why a chance to ask was not used."""

    QUARANTINE = "quarantine"
    OPT_OUT = "opt_out"
    NO_CONTACT = "no_contact"
    MANUAL = "manual"
    NO_PLAN = "no_plan"


class Purpose(StrEnum):
    """What a message to a customer was for."""

    SELL = "sell"
    UPSELL = "upsell"
    VALUE_EDUCATION = "value_education"
    SERVICE = "service"
    LOOP_CLOSURE = "loop_closure"
    SURVEY = "survey"


class CaseTrigger(StrEnum):
    """What started a follow-up case."""

    DETRACTOR = "detractor"
    TEXT = "text"
    RISK = "risk"
    MANUAL = "manual"


class Attestation(StrEnum):
    """Who vouches for an outcome."""

    CUSTOMER = "customer"
    JOINT = "joint"
    VENDOR = "vendor"


class RejectReason(StrEnum):
    """Why a record could not be used, in the order in which the checks apply."""

    OVERSIZE = "oversize"
    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_VERSION = "unknown_version"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    OUT_OF_RANGE = "out_of_range"
    KEY_MISMATCH = "key_mismatch"
    UNKNOWN_CURRENCY = "unknown_currency"
    IN_FUTURE = "in_future"
    TOO_LATE = "too_late"


class Family(StrEnum):
    """Kinds of evidence; two kinds that agree are worth more than one that is strong."""

    SCORE = "score"
    VOLUME = "volume"
    IDENTITY = "identity"
    TEXT = "text"
    SELECTION = "selection"
    TIMING = "timing"
    BEHAVIOUR = "behaviour"


class Detector(StrEnum):
    """What gives gaming away."""

    LEVEL_SHIFT = "level_shift"
    """More top scores than this unit and its peers lead to expect: begging, bribing, posters."""
    RESPONSE_VOLUME = "response_volume"
    """More responses than sales and invitations lead to expect: stuffing."""
    SHARED_DEVICES = "shared_devices"
    """Several accounts answer for the unit from one device: ballot stuffing."""
    COACHED_TEXT = "coached_text"
    """Comments that copy each other, or say that a score was asked for: coaching, pasted fakes, begging."""
    CHERRY_PICKING = "cherry_picking"
    """Customers with a bad experience are not asked: suppressed or misreported contacts."""
    FAST_FORMS = "fast_forms"
    """Forms filled in faster than people do: staff."""
    REGRETTED_PRAISE = "regretted_praise"
    """Top scores of customers who then give back or complain: inflated scores."""
    PERIOD_END_PUSH = "period_end_push"
    """More top scores at the end of an incentive period: pushes before bonus day."""
    SHARED_CONTACTS = "shared_contacts"
    """Several accounts answer from one contact, or one of staff: hijacked contacts."""


class UnitState(StrEnum):
    """What the findings of a unit add up to."""

    CLEAR = "clear"
    INVESTIGATE = "investigate"
    SUSPECT = "suspect"


class Decision(StrEnum):
    """What people make of a finding."""

    CONFIRMED = "confirmed"
    """It is gaming."""
    DISMISSED = "dismissed"
    """It is not; the finding counts no more."""


class FalseAlarms(StrEnum):
    """How many false alarms a company is ready to look into, over all its units together."""

    ONE_A_WEEK = "one a week"
    ONE_A_MONTH = "one a month"
    ONE_A_QUARTER = "one a quarter"
    ONE_A_YEAR = "one a year"

    @property
    def days(self) -> float:
        """Days in which one is tolerated."""
        return {"week": 7.0, "month": 30.0, "quarter": 91.0, "year": 365.0}[self.value.split()[-1]]


class FlushStep(StrEnum):
    """What a flush of a worker does, in this order."""

    TAKE = "take"
    """Taking what changed out of the state."""
    FACTS = "facts"
    """Writing facts to the sink."""
    COMMIT = "commit"
    """Committing state, dead letters and offsets to Kafka."""
    CELLS = "cells"
    """Writing cells to the sink."""


class SinkFailure(StrEnum):
    """How an insert failed."""

    UNAVAILABLE = "unavailable"
    """The sink is away or overloaded; the insert is tried again."""
    REFUSED = "refused"
    """The sink says that the statement is wrong; the worker ends."""


class LagState(StrEnum):
    """How a consumer group stands with a partition."""

    OK = "ok"
    """Nothing is left to read, or it gets less."""
    LAGGING = "lagging"
    """It reads on, and what is left does not get less."""
    STALLED = "stalled"
    """A member of the group has the partition, and does not read on."""
    STOPPED = "stopped"
    """No member of the group has the partition, and there is something to read."""
    REWOUND = "rewound"
    """Its position, or the end of the partition, went back."""
    UNKNOWN = "unknown"
    """It was not looked at for long enough to tell."""


class ProbeSource(StrEnum):
    """Where the probe beside the workers looks."""

    KAFKA = "kafka"
    CLICKHOUSE = "clickhouse"


class ScoreVariant(StrEnum):
    """With or without the answers that are flagged."""

    RAW = "raw"
    EXCLUDED = "excluded"


class ScoreWindow(StrEnum):
    """Two windows that have no day in common."""

    LAST = "last"
    """The newest 28 days."""
    BEFORE = "before"
    """The 28 days before those."""


class OpenCase(StrEnum):
    """How a follow-up case stands that is open."""

    WAITING = "waiting"
    """The customer was not contacted yet, and contact is not due."""
    OVERDUE = "overdue"
    """The customer was not contacted, and contact was due."""
    CONTACTED = "contacted"
    """The customer was contacted, in time or not."""


class Spoke(StrEnum):
    """The part of the company that a measure on a scorecard belongs to; the customer is the hub."""

    FINANCE = "finance"
    OPERATIONS = "operations"
    EMPLOYEE = "employee"


class RitualKind(StrEnum):
    """What a ritual decides about."""

    PROMOTION = "promotion"
    RAISE = "raise"
    BONUS = "bonus"
    HIRING = "hiring"
    BUDGET = "budget"
    RECOGNITION = "recognition"
    OTHER = "other"
