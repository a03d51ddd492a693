"""Every metric that Candor exports, declared once; collectors, ``docs/exported-metrics.md`` and the checks of alert rules are made from this.

Values of labels come from closed sets, so the number of series is known beforehand: no unit, account, product or customer is ever a label. Only the
probe, of which one runs, exports series per partition; workers export numbers that may be summed over workers whoever owns which partition.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from schemas.columns import Table
from schemas.enums import (
    Detector,
    FlushStep,
    LagState,
    OpenCase,
    ProbeSource,
    RejectReason,
    ScoreVariant,
    ScoreWindow,
    SinkFailure,
    Stage,
    Topic,
    UnitState,
)
from schemas.topics import READ

PREFIX = "candor_"


class Kind(StrEnum):
    """What kind of numbers a metric holds."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Label:
    """A label and its closed set of values; ``values`` is empty where they are known only at run time."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. ``buckets`` are upper limits, without infinity, in the unit of the name."""

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = field(default=())

    @property
    def exported(self) -> str:
        """The name under which it is exported, without the suffixes of histograms."""
        return PREFIX + self.name


def _label(name: str, values: Iterable[StrEnum | str]) -> Label:
    return Label(name, tuple(str(value) for value in values))


_STAGE = _label("stage", Stage)
_REASON = _label("reason", RejectReason)
_TABLE = _label("table", Table)
_TOPIC = _label("topic", Topic)
_PARTITION = (_STAGE, _label("topic", dict.fromkeys(name for names in READ.values() for name in names)), Label("partition", ()))
_SCORE = (_label("window", ScoreWindow), _label("variant", ScoreVariant))
_WORK = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""
_LATENCY = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0, 28_800.0)
"""Seconds. 60 is the promise that alert rules hold a worker to."""
_LATE = (0.0, 60.0, 3_600.0, 86_400.0, 7 * 86_400.0, 35 * 86_400.0, 400 * 86_400.0)
"""Seconds; the last two are the default horizons."""


def _counter(name: str, meaning: str, *labels: Label) -> Metric:
    return Metric(name, Kind.COUNTER, meaning, labels)


def _gauge(name: str, meaning: str, *labels: Label) -> Metric:
    return Metric(name, Kind.GAUGE, meaning, labels)


RECORDS = _counter("records_total", "Records that went through the stage: accepted, duplicates, replayed or dead letters.", _STAGE)
ACCEPTED = _counter("accepted_total", "Records that count.", _STAGE)
DUPLICATES = _counter("duplicates_total", "Copies of what counts already.", _STAGE)
REPLAYED = _counter("replayed_total", "Records below the position of the state, which had been applied before.", _STAGE)
REFUSED = _counter("dead_letters_total", "Records that could not be used.", _STAGE, _REASON)
UNKNOWN_FIELDS = _counter("unknown_fields_total", "Fields, over all valid events, that are not of the contract.", _STAGE)
APPLY_SECONDS = Metric("apply_seconds", Kind.HISTOGRAM, "Time to apply the records that were taken at once.", (_STAGE,), _WORK)
FLUSH_SECONDS = Metric(
    "flush_seconds", Kind.HISTOGRAM, "Time of each step of a flush of all partitions of the worker.", (_STAGE, _label("step", FlushStep)), _WORK
)
FLUSHES = _counter("flushes_total", "Flushes that are committed, counted per partition.", _STAGE)
COMMITTED = _counter("committed_records_total", "Records that committed flushes cover.", _STAGE)
CHECKPOINT_RECORDS = _counter("checkpoint_records_total", "Records that were committed to the checkpoint topic.", _STAGE)
CHECKPOINT_BYTES = _counter("checkpoint_bytes_total", "Keys and values of these, before compression.", _STAGE)
LAST_COMMIT = _gauge("last_commit_timestamp_seconds", "When the worker last committed a flush, in seconds since 1970; 0: never yet.", _STAGE)
UNCOMMITTED = _gauge("uncommitted_records", "Records that were read, applied or not, and are not committed yet.", _STAGE)
INBOX = _gauge("inbox_records", "Records that were read and are not applied yet.", _STAGE)
PARTITIONS = _gauge(
    "partitions_owned", "Partitions of the inputs that the worker owns; over all workers they sum to the number of partitions.", _STAGE
)
PAUSED = _gauge("paused_partitions", "Topics and partitions that stand still because most of a stretch was refused.", _STAGE)
PAUSES = _counter("pauses_total", "How often a topic and partition was paused because most of a stretch was refused.", _STAGE)
REBALANCES = _counter("rebalances_total", "Changes of who owns which partition, as this worker saw them.", _STAGE)
LOST = _counter("lost_ownerships_total", "How often the state of a partition was thrown away and read again.", _STAGE)
OPENING = _gauge("opening_partitions", "Partitions of the inputs that the worker is opening: it reads back their state, or waits for Kafka.", _STAGE)
RECOVERY_LEFT = _gauge("recovery_left_records", "Offsets of their checkpoints that are still to be read.", _STAGE)
DELETED = _counter("deleted_records_total", "Offsets that Kafka deleted before they were read: at most so many records are lost.", _STAGE)
RECOVERED_RECORDS = _counter("recovered_records_total", "Records of the checkpoint that were read back when partitions were opened.", _STAGE)
RECOVERED_BYTES = _counter("recovered_bytes_total", "Keys and values of these.", _STAGE)
RECOVERY_SECONDS = Metric("recovery_seconds", Kind.HISTOGRAM, "Time to open a partition, reading back its checkpoint included.", (_STAGE,), _WORK)
WATERMARK = _gauge(
    "watermark_timestamp_seconds",
    "Newest occurred_at that this worker has seen of the topic, in seconds since 1970; 0: none yet. Over workers take the maximum.",
    _TOPIC,
)
LATENESS = Metric(
    "lateness_seconds",
    Kind.HISTOGRAM,
    "By how much occurred_at of each valid event lies before the newest of its topic and partition; 0 for the newest itself.",
    (_TOPIC,),
    _LATE,
)
LATENCY = Metric(
    "latency_seconds",
    Kind.HISTOGRAM,
    "Time from the record's Kafka timestamp to the acknowledged insert of its cells, of live records alone: those younger than a day when they were "
    "applied. Records of event files bring timestamps of the past and are left out.",
    (_STAGE,),
    _LATENCY,
)
SINK_ROWS = _counter("sink_rows_total", "Rows that the sink acknowledged.", _TABLE)
SINK_INSERTS = _counter("sink_inserts_total", "Inserts that the sink acknowledged.", _TABLE)
SINK_FAILURES = _counter("sink_failures_total", "Inserts that failed, each attempt counted.", _TABLE, _label("failure", SinkFailure))
SINK_RETRIES = _counter("sink_retries_total", "Attempts after the first one of an insert.", _TABLE)
SINK_SECONDS = Metric("sink_insert_seconds", Kind.HISTOGRAM, "Time of each acknowledged insert, waits between attempts left out.", (_TABLE,), _WORK)
SINK_AWAY = _gauge("sink_away", "1 while an insert waits for the sink to come back, else 0.", _TABLE)
BUILD = Metric("build_info", Kind.GAUGE, "1; the labels say what runs.", (Label("version", ()), Label("python", ())))
WORKER: tuple[Metric, ...] = (
    RECORDS, ACCEPTED, DUPLICATES, REPLAYED, REFUSED, UNKNOWN_FIELDS, APPLY_SECONDS, FLUSH_SECONDS, FLUSHES, COMMITTED, CHECKPOINT_RECORDS,
    CHECKPOINT_BYTES, LAST_COMMIT, UNCOMMITTED, INBOX, PARTITIONS, PAUSED, PAUSES, REBALANCES, LOST, DELETED, OPENING, RECOVERY_LEFT,
    RECOVERED_RECORDS, RECOVERED_BYTES, RECOVERY_SECONDS, WATERMARK, LATENESS, LATENCY, SINK_ROWS, SINK_INSERTS, SINK_FAILURES, SINK_RETRIES,
    SINK_SECONDS, SINK_AWAY, BUILD,
)  # fmt: skip
"""What each worker exports."""

LAG_RECORDS = _gauge("lag_records", "Offsets between the group's position and the end; 0 where no record is left between them.", *_PARTITION)
LAG_SECONDS = _gauge(
    "lag_seconds", "Age of the oldest record that is not read, by its Kafka timestamp; 0 where none is left. Event files bring old ones.", *_PARTITION
)
COMMITTED_OFFSET = _gauge("committed_offset", "Next offset that the group will read; absent where it has committed none.", *_PARTITION)
END_OFFSET = _gauge("end_offset", "Next offset that will be written to the partition.", *_PARTITION)
LAG_STATE = _gauge("lag_state", "1 for the state that the group is in, 0 for the others.", *_PARTITION, _label("state", LagState))
PROBE_SUCCESS = _gauge(
    "probe_last_success_timestamp_seconds",
    "When the probe last read all it wanted, in seconds since 1970; 0: never yet.",
    _label("source", ProbeSource),
)
PROBE_FAILURES = _counter("probe_failures_total", "How often it could not.", _label("source", ProbeSource))
FINDINGS = _gauge("findings", "Findings that later events did not undo.", _label("detector", Detector), _label("state", UnitState))
FINDINGS_OPEN = _gauge("findings_undecided", "Those of them that nobody has decided about.", _label("detector", Detector), _label("state", UnitState))
UNITS = _gauge("units", "Units by what their findings add up to.", _label("state", UnitState))
OPEN_CASES = _gauge("open_cases", "Follow-up cases that are open, as of the newest step of any case.", _label("state", OpenCase))
NPS = _gauge("nps", "Net promoter score of all units, in points; absent where nothing counts. Never average it.", *_SCORE)
NPS_LOW = _gauge("nps_low", "Lower end of its 95 % interval (adjusted Wald), in points.", *_SCORE)
NPS_HIGH = _gauge("nps_high", "Upper end of its 95 % interval (adjusted Wald), in points.", *_SCORE)
NPS_N = _gauge("nps_responses", "Responses that it stands on.", *_SCORE)
_WINDOW = _label("window", ScoreWindow)
SENT_INVITATIONS = _gauge(
    "sent_invitations",
    "Invitations that were first sent in the window and did not bounce; here windows end 14 days before the newest one.",
    _WINDOW,
)
ANSWERED_INVITATIONS = _gauge("answered_invitations", "Those of them that a counted response names within 14 days.", _WINDOW)
SCORE_QUESTIONS = _gauge("score_questions", "Responses that say whether anybody asked for a particular score; they may say no.", _WINDOW)
ASKED_FOR_SCORE = _gauge("asked_for_score", "Those of them that say yes.", _WINDOW)
ANSWERS: tuple[Metric, ...] = (SENT_INVITATIONS, ANSWERED_INVITATIONS, SCORE_QUESTIONS, ASKED_FOR_SCORE)
"""Of whether customers answer, and whether they were told what to answer."""
LAG: tuple[Metric, ...] = (LAG_RECORDS, LAG_SECONDS, COMMITTED_OFFSET, END_OFFSET, LAG_STATE)
"""What the probe exports of Kafka, a series per stage, topic and partition."""
BUSINESS: tuple[Metric, ...] = (FINDINGS, FINDINGS_OPEN, UNITS, OPEN_CASES, NPS, NPS_LOW, NPS_HIGH, NPS_N, *ANSWERS)
"""What the probe exports of ClickHouse."""
HEARTBEAT_INTERVAL = _gauge("heartbeat_interval_seconds", "Seconds between two heartbeats of the probe; like all of them absent where it sends none.")
HEARTBEAT_SENT = _gauge("heartbeat_sent_timestamp_seconds", "When the newest heartbeat that Kafka took was sent, in seconds since 1970; 0: none yet.")
HEARTBEAT = _gauge(
    "heartbeat_timestamp_seconds",
    "When the newest heartbeat that ClickHouse can be asked for was sent, in seconds since 1970; until there is one, when the probe began.",
)
HEARTBEAT_LATENCY = _gauge("heartbeat_latency_seconds", "How long that heartbeat took from its append to Kafka to its row in ClickHouse.")
HEARTBEATS: tuple[Metric, ...] = (HEARTBEAT_INTERVAL, HEARTBEAT_SENT, HEARTBEAT, HEARTBEAT_LATENCY)
"""What the probe exports of the heartbeats that it sends, where it was told to."""
PROBE: tuple[Metric, ...] = (*LAG, PROBE_SUCCESS, PROBE_FAILURES, *HEARTBEATS, *BUSINESS, BUILD)
"""What ``candor lag --serve`` exports."""
