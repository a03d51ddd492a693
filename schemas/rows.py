"""Every table that ClickHouse holds, declared once: columns, types and meaning.

The Arrow schema of an insert, the DDL that a migration is checked against, the comments and the data dictionary all come from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa


class Table(StrEnum):
    """A table that Candor writes. Facts are read through the view named without ``fact_``."""

    RESPONSES = "fact_responses"
    WITHDRAWALS = "fact_withdrawals"
    TRANSACTIONS = "fact_transactions"
    INVITATIONS = "fact_invitations"
    COMMUNICATIONS = "fact_communications"
    CASES = "fact_cases"
    OUTCOMES = "fact_outcomes"
    OPERATIONS = "fact_operations"
    DEAD_LETTERS = "fact_dead_letters"
    LOYALTY = "cell_loyalty"
    ACCOUNTS = "cell_accounts"
    UNITS = "cell_units"
    FINDINGS = "cell_findings"
    SIGNS = "cell_signs"
    JUDGED = "cell_judged"


ID = "String"
OPTIONAL_ID = "Nullable(String)"
NAME = "LowCardinality(String)"
OPTIONAL_NAME = "LowCardinality(Nullable(String))"
TIME = "DateTime64(6, 'UTC')"
OPTIONAL_TIME = "Nullable(DateTime64(6, 'UTC'))"
DAY = "Date32"
OPTIONAL_DAY = "Nullable(Date32)"
FLAG = "Bool"
OPTIONAL_FLAG = "Nullable(Bool)"
COUNT = "Int64"
NUMBER = "Float64"
OPTIONAL_NUMBER = "Nullable(Float64)"
MONEY = "Decimal(18, 4)"
OPTIONAL_MONEY = "Nullable(Decimal(18, 4))"
MONEY_SUM = "Decimal(38, 4)"
SCORE_SUM = "Decimal(38, 9)"

_MONEY = pa.decimal128(18, 4)
_INSTANT = pa.timestamp("us", tz="UTC")
_ARROW: dict[str, pa.DataType] = {
    ID: pa.string(),
    OPTIONAL_ID: pa.string(),
    NAME: pa.string(),
    OPTIONAL_NAME: pa.string(),
    TIME: _INSTANT,
    OPTIONAL_TIME: _INSTANT,
    DAY: pa.date32(),
    OPTIONAL_DAY: pa.date32(),
    FLAG: pa.bool_(),
    OPTIONAL_FLAG: pa.bool_(),
    COUNT: pa.int64(),
    NUMBER: pa.float64(),
    OPTIONAL_NUMBER: pa.float64(),
    MONEY: _MONEY,
    OPTIONAL_MONEY: _MONEY,
    MONEY_SUM: pa.decimal128(38, 4),
    SCORE_SUM: pa.decimal128(38, 9),
    "UInt32": pa.uint32(),
    "UInt64": pa.uint64(),
    "Nullable(Int64)": pa.int64(),
    "Array(String)": pa.list_(pa.string()),
    "Array(Nullable(String))": pa.list_(pa.string()),
    "Array(Float64)": pa.list_(pa.float64()),
    "Array(Bool)": pa.list_(pa.bool_()),
    "Array(Nullable(Decimal(18, 4)))": pa.list_(_MONEY),
    "Map(String, Float64)": pa.map_(pa.string(), pa.float64()),
}
BYTES = frozenset({"key", "value", "header_values"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its ClickHouse type and what it means, with unit where it has one."""

    name: str
    clickhouse: str
    meaning: str

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type that inserts into the ClickHouse type."""
        return _ARROW[self.clickhouse]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: ``ReplacingMergeTree(version)`` ordered by ``key``, so the highest version of a key counts."""

    table: Table
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_by: str = ""

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema of a batch to insert, in declared order; ``key`` and ``value`` of dead letters are raw bytes."""
        return pa.schema(
            [pa.field(c.name, _as_bytes(c.arrow) if self.table is Table.DEAD_LETTERS and c.name in BYTES else c.arrow) for c in self.columns]
        )

    def column(self, name: str) -> Column:
        """The column of that name; raises ``KeyError`` where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.table} has no column {name}")


def _as_bytes(arrow: pa.DataType) -> pa.DataType:
    return pa.list_(pa.binary()) if pa.types.is_list(arrow) else pa.binary()


_HEAD = (
    Column("account_id", ID, "The account, as the producer names it; also the Kafka key."),
    Column("event_id", ID, "Identity of the event within its topic and account."),
    Column("event_type", NAME, "What happened."),
    Column("occurred_at", TIME, "When it happened to the customer (UTC)."),
    Column("received_at", TIME, "When it reached the edge (UTC); the record's Kafka timestamp where the event did not say."),
    Column("day", DAY, "Local date of occurred_at in the catalog's timezone."),
    Column("customer_id", OPTIONAL_ID, "The person, where an account has several."),
    Column("unit_id", OPTIONAL_ID, "Location, team or seller."),
    Column("agent_id", OPTIONAL_ID, "The employee."),
    Column("channel", NAME, "Where the customer was met."),
    Column("synthetic", FLAG, "True: test traffic, kept as a fact and counted nowhere."),
)
_TAIL = (
    Column("source_partition", "UInt32", "Kafka partition that the event came from."),
    Column("source_offset", COUNT, "Kafka offset of the copy that counted."),
    Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence; of one key the highest version counts."),
)


def _fact(table: Table, meaning: str, key: Sequence[str], *columns: Column) -> TableSpec:
    return TableSpec(table, meaning, ("account_id", *key), (*_HEAD, *columns, *_TAIL), "toYYYYMM(day)" if "occurred_at" in key else "")


_SPECS = (
    _fact(
        Table.RESPONSES,
        "Survey responses, reviews and ratings: the newest revision of each.",
        ("response_id",),
        Column("response_id", ID, "Identity of the response within its account."),
        Column("revision", COUNT, "The highest revision counts; 0 where only a withdrawal is known."),
        Column("survey_id", ID, "The survey that was answered."),
        Column("invitation_id", OPTIONAL_ID, "The invitation that it answers."),
        Column("transaction_id", OPTIONAL_ID, "The transaction that it is about."),
        Column("metric", OPTIONAL_NAME, "What the score measures: nps, csat, ces or rating."),
        Column("score", OPTIONAL_NUMBER, "As given, on scale_min..scale_max; NULL once withdrawn."),
        Column("scale_min", OPTIONAL_NUMBER, "Lowest possible score."),
        Column("scale_max", OPTIONAL_NUMBER, "Highest possible score."),
        Column("score_mapped", OPTIONAL_NUMBER, "Score mapped linearly to the metric's default scale: nps 0..10, csat 1..5, ces 1..7, rating 1..5."),
        Column("class", OPTIONAL_NAME, "Of nps: promoter (mapped >= 9), passive (>= 7) or detractor; NULL for other metrics."),
        Column("top_box", OPTIONAL_FLAG, "The mapped score is the top of its scale."),
        Column("top_two_box", OPTIONAL_FLAG, "Mapped score >= 4 of 5 (csat, rating), >= 6 of 7 (ces), >= 9 of 10 (nps)."),
        Column("answers", "Map(String, Float64)", "Driver questions and their answers; empty once withdrawn."),
        Column("expected_score", OPTIONAL_NUMBER, "What the customer expected, on the same scale."),
        Column("competitor_scores", "Array(Float64)", "Scores of competitors, on the same scale."),
        Column("asked_for_score", OPTIONAL_FLAG, "Answer to: did anyone ask you for a particular score?"),
        Column("told_about_action", OPTIONAL_FLAG, "Answer to: were you told what was done about earlier feedback?"),
        Column("comment", OPTIONAL_ID, "The customer's words; NULL once withdrawn."),
        Column("language", OPTIONAL_ID, "Language of the comment."),
        Column("landed_at", OPTIONAL_TIME, "When the form was opened (UTC)."),
        Column("duration_ms", "Nullable(Int64)", "Milliseconds spent answering."),
        Column("device_hash", OPTIONAL_ID, "Keyed hash of the device, made by the producer."),
        Column("ip_prefix_hash", OPTIONAL_ID, "Keyed hash of the network prefix, made by the producer."),
        Column("contact_hash", OPTIONAL_ID, "Keyed hash of the contact address, made by the producer."),
        Column("contact_class", NAME, "Kind of contact address."),
        Column("withdrawn", FLAG, "The customer took the response back; it counts nowhere."),
    ),
    _fact(
        Table.WITHDRAWALS,
        "Withdrawals of responses; the view responses applies them.",
        ("response_id",),
        Column("response_id", ID, "The response that was taken back."),
        Column("survey_id", ID, "Its survey."),
    ),
    _fact(
        Table.TRANSACTIONS,
        "Purchases and refunds.",
        ("transaction_id",),
        Column("transaction_id", ID, "Identity of this movement of money within its account."),
        Column("original_transaction_id", OPTIONAL_ID, "Of a refund: the purchase that it gives back."),
        Column("amount", MONEY, "What was paid or given back, after discount, in currency; never negative."),
        Column("currency", NAME, "ISO 4217."),
        Column("amount_base", MONEY, "amount in the catalog's base currency, rounded half-even to 4 decimals."),
        Column("discount", MONEY, "Discount, in currency."),
        Column("discount_base", MONEY, "Discount in the base currency."),
        Column("cost", OPTIONAL_MONEY, "What it cost us, in currency; NULL: not known."),
        Column("cost_base", OPTIONAL_MONEY, "Cost in the base currency."),
        Column("product_ids", "Array(String)", "Product of each line."),
        Column("product_quantities", "Array(Float64)", "Quantity of each line."),
        Column("product_amounts", "Array(Nullable(Decimal(18, 4)))", "Amount of each line, in currency."),
        Column("product_consumable", "Array(Bool)", "Whether the line or the catalog says that the product is used up."),
        Column("is_new_customer", OPTIONAL_FLAG, "As the producer said; NULL: not said."),
        Column("acquisition_reason", NAME, "Why the customer came."),
        Column("referrer_account_id", OPTIONAL_ID, "The account that referred this one."),
        Column("recurring", FLAG, "A recurring charge."),
        Column("risk_flags", "Array(String)", "Signs of trouble, for example long_wait or complaint."),
    ),
    _fact(
        Table.INVITATIONS,
        "What happened to each chance to ask, a row per step.",
        ("invitation_id", "event_type", "occurred_at"),
        Column("invitation_id", ID, "The chance to ask."),
        Column("transaction_id", OPTIONAL_ID, "The transaction that it is about."),
        Column("survey_id", OPTIONAL_ID, "The survey."),
        Column("inclusion_probability", OPTIONAL_NUMBER, "Probability of being sampled, in (0, 1]."),
        Column("suppression_reason", OPTIONAL_NAME, "Why it was not used."),
        Column("suppressed_by", OPTIONAL_ID, "Who suppressed it."),
        Column("contact_hash", OPTIONAL_ID, "Keyed hash of the contact address."),
        Column("contact_class", NAME, "Kind of contact address."),
    ),
    _fact(
        Table.COMMUNICATIONS,
        "Messages sent to customers.",
        ("message_id",),
        Column("message_id", ID, "Identity of the message within its account."),
        Column("campaign_id", OPTIONAL_ID, "The campaign."),
        Column("purpose", NAME, "What the message was for."),
        Column("offer_product_ids", "Array(String)", "Products offered."),
        Column("response_ids", "Array(String)", "The feedback that it answers."),
    ),
    _fact(
        Table.CASES,
        "Follow-up cases, a row per step.",
        ("case_id", "event_type", "occurred_at"),
        Column("case_id", ID, "The case."),
        Column("response_id", OPTIONAL_ID, "The response that it follows up."),
        Column("trigger", OPTIONAL_NAME, "What started it."),
        Column("owner_id", OPTIONAL_ID, "Who owns it."),
        Column("due_at", OPTIONAL_TIME, "When contact is due (UTC)."),
        Column("cause_code", OPTIONAL_ID, "What went wrong."),
        Column("resolution_code", OPTIONAL_ID, "How it was solved."),
    ),
    _fact(
        Table.OUTCOMES,
        "Value that customers got, a row per measurement; of one outcome the newest occurred_at counts.",
        ("outcome_id", "occurred_at"),
        Column("outcome_id", ID, "The outcome."),
        Column("objective_id", ID, "The objective that it measures."),
        Column("baseline", NUMBER, "Value at the start."),
        Column("target", NUMBER, "Value aimed at."),
        Column("current", NUMBER, "Value now."),
        Column("weight", NUMBER, "Weight among the account's outcomes."),
        Column("value_amount", OPTIONAL_MONEY, "Money value that the customer got, in currency."),
        Column("value_amount_base", OPTIONAL_MONEY, "The same in the base currency."),
        Column("claimed_amount", OPTIONAL_MONEY, "Money value that was promised, in currency."),
        Column("claimed_amount_base", OPTIONAL_MONEY, "The same in the base currency."),
        Column("currency", OPTIONAL_NAME, "ISO 4217."),
        Column("attested_by", NAME, "Who vouches for it."),
        Column("evidence_uri", OPTIONAL_ID, "Where the evidence is."),
    ),
    _fact(
        Table.OPERATIONS,
        "Operational measurements.",
        ("observation_id",),
        Column("observation_id", ID, "Identity of the measurement within its account."),
        Column("measure", NAME, "What was measured."),
        Column("value", NUMBER, "The measured value, in the measure's own unit."),
        Column("transaction_id", OPTIONAL_ID, "The transaction that it belongs to."),
    ),
    TableSpec(
        Table.DEAD_LETTERS,
        "Records that could not be used, byte for byte.",
        ("topic", "partition", "offset"),
        (
            Column("topic", NAME, "Input topic, without the prefix."),
            Column("partition", "UInt32", "Source partition."),
            Column("offset", COUNT, "Source offset."),
            Column("timestamp", TIME, "Timestamp of the record (UTC)."),
            Column("stage", NAME, "The stage that refused it."),
            Column("reason", NAME, "Why; see the documentation of dead letters."),
            Column("field", OPTIONAL_ID, "The field at fault, where one is."),
            Column("message", ID, "What was wrong and what was expected."),
            Column("key", OPTIONAL_ID, "Key of the record, its bytes unchanged."),
            Column("value", OPTIONAL_ID, "Value of the record, its bytes unchanged."),
            Column("header_names", "Array(String)", "Names of the record's headers, in order."),
            Column(
                "header_values",
                "Array(Nullable(String))",
                "Values of the record's headers, in order, their bytes unchanged; NULL where there is none.",
            ),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.LOYALTY,
        "Partial sums of counted responses, a row per cell and source partition; read the loyalty views instead.",
        ("day", "unit_id", "channel", "metric", "partition", "generation"),
        (
            Column("day", DAY, "Local date of the response."),
            Column("unit_id", ID, "The unit that was rated."),
            Column("channel", NAME, "Where the customer was met."),
            Column("metric", NAME, "What the score measures."),
            Column("partition", "UInt32", "Source partition; sum over it."),
            Column("generation", "UInt64", "Sequence at which the cell was opened; sum over it."),
            Column("n", COUNT, "Counted responses."),
            Column("promoters", COUNT, "Promoters among them (nps)."),
            Column("passives", COUNT, "Passives among them (nps)."),
            Column("detractors", COUNT, "Detractors among them (nps)."),
            Column("top_box", COUNT, "Responses at the top of the scale."),
            Column("top_two_box", COUNT, "csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10."),
            Column("score_sum", SCORE_SUM, "Sum of mapped scores."),
            Column("score_sum_squares", SCORE_SUM, "Sum of squares of mapped scores."),
            Column("revenue", MONEY_SUM, "Gross base amount of the purchases that the responses name."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.ACCOUNTS,
        "What is known of each account.",
        ("account_id",),
        (
            Column("account_id", ID, "The account."),
            Column("first_seen", TIME, "Least occurred_at of its events (UTC)."),
            Column("last_seen", TIME, "Greatest occurred_at of its events (UTC)."),
            Column("revenue", MONEY_SUM, "Completed minus refunded, in the base currency."),
            Column("refunds", MONEY_SUM, "Refunded, in the base currency; positive."),
            Column("transactions", COUNT, "Completed transactions."),
            Column("products_owned", COUNT, "Distinct products bought and not given back; consumables left out."),
            Column("last_score", OPTIONAL_NUMBER, "Mapped score of the newest counted nps response."),
            Column("responses", COUNT, "Counted responses of any metric."),
            Column("open_cases", COUNT, "Follow-up cases that are open after all events."),
            Column("messages", COUNT, "Messages sent to the account."),
            Column("partition", "UInt32", "Source partition."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.UNITS,
        "What is to be thought of the answers of each unit; read integrity_units instead.",
        ("unit_id",),
        (
            Column("unit_id", ID, "The unit."),
            Column("state", NAME, "clear, investigate (one kind of evidence) or suspect (two kinds or more), as of the newest day that was judged."),
            Column("families", "Array(String)", "Kinds of evidence that are active: of findings whose detector sounded within 60 days."),
            Column("since", OPTIONAL_DAY, "The day on which the oldest active finding most likely began; NULL where the unit is clear."),
            Column("e_value", NUMBER, "Evidence of all detectors together: a unit where nothing is wrong reaches x once in x days or less often."),
            Column("judged", DAY, "The newest day that changed one of these."),
            Column("partition", "UInt32", "Partition of the signals."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.FINDINGS,
        "Alarms of detectors, those that later events undid included; read findings instead.",
        ("unit_id", "detector", "raised_on"),
        (
            Column("finding_id", ID, "Unit, detector and the day on which it was raised."),
            Column("unit_id", ID, "The unit."),
            Column("detector", NAME, "What sounded."),
            Column("family", NAME, "The kind of its evidence."),
            Column("since", DAY, "The day on which the gaming most likely began."),
            Column("raised_on", DAY, "The local day whose answers raised it."),
            Column("sounded_on", DAY, "The newest day on which it sounded."),
            Column("raised_at", TIME, "The newest occurred_at of the unit's answers on the day that raised it (UTC)."),
            Column("e_value", NUMBER, "Evidence when it was raised: a unit where nothing is wrong reaches x once in x days or less often."),
            Column("found", NUMBER, "What was counted from since to raised_on; evidence says what."),
            Column("looked_at", NUMBER, "Among how many."),
            Column("at_most", NUMBER, "How many would have been usual, at most."),
            Column("evidence", ID, "The same in words."),
            Column("standing", FLAG, "False: later events of the same days undid it."),
            Column("partition", "UInt32", "Partition of the signals."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.SIGNS,
        "Answers that carry signs of gaming, flagged or not; read responses and findings instead.",
        ("account_id", "response_id", "revision", "unit_id"),
        (
            Column("account_id", ID, "The account."),
            Column("response_id", ID, "The response."),
            Column("revision", COUNT, "Its revision."),
            Column("unit_id", ID, "The unit that it rates."),
            Column("day", DAY, "Local date of the response."),
            Column("signs", "Array(String)", "Detectors whose sign it carries; that alone is no reproach."),
            Column("flags", "Array(String)", "Detectors for whose findings, at a suspect unit, it is flagged."),
            Column("partition", "UInt32", "Partition of the signals."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
    TableSpec(
        Table.JUDGED,
        "How far the units of each partition of the signals have been judged.",
        ("partition",),
        (
            Column("partition", "UInt32", "Partition of the signals."),
            Column("judged", OPTIONAL_DAY, "The newest local day whose answers were judged; NULL: none yet."),
            Column("closed", OPTIONAL_DAY, "The newest local day that nothing will change any more; NULL: none yet."),
            Column("up_to_date", FLAG, "All that was there to read has been judged."),
            Column("version", "UInt64", "Owner epoch times 2^40 plus flush sequence."),
        ),
    ),
)
TABLES: dict[Table, TableSpec] = {spec.table: spec for spec in _SPECS}
