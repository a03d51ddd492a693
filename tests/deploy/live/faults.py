"""Faults: what is done to the stack, which alert must arrive where, and what of its runbook people do by hand."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient, OffsetAndMetadata, TopicPartition
from kafka.errors import NoError

from schemas.enums import Stage, Topic
from schemas.topics import consumer_group
from streams.files import write_events
from streams.metrics.alerts import ALERTS
from streams.metrics.rule import Pace
from streams.simulate import Plan, Simulation, simulate
from tests.conftest import wait_for
from tests.deploy.live import company, unread
from tests.deploy.live.stack import DAYS, HOURS, PACE, Stack, response
from tests.deploy.pages import RUNBOOKS

_GAMED = Plan(seed=3, accounts=600, units=10, events=12_000, months=5, gamed_share=0.3)
"""A company with a unit that is found suspect."""


LATE = frozenset({"CandorConsumerLagging", "CandorFreshnessBudgetBurn"})
"""Of records that waited: a minute of the promise is a whole one, however fast the time of rules runs."""


def _nothing(_: Stack) -> None:
    """It ends by itself, or with the commands of its page."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault and what must follow from it."""

    name: str
    alert: str
    receiver: str
    inject: Callable[[Stack], None]
    shown: str
    """What the commands under "Look" must print."""
    by_hand: Callable[[Stack], None] = _nothing
    """What the page tells people to do and cannot say as a command."""
    check: Callable[[Stack], None] = _nothing
    """What must hold once every partition is well."""
    also: frozenset[str] = frozenset()
    """Alerts that are true as well, and may be told."""
    ends_by_itself: bool = False
    """The alert ends with time, whatever is done."""
    is_loaded: bool = True
    """Whether answers come in meanwhile."""
    session_timeout_seconds: float = 6.0
    simulation: Callable[[], Simulation] | None = None
    """The company whose catalog is used."""
    pace: Pace = PACE
    """How fast time runs for its rule."""
    seen_minutes: int = 1
    """How long it takes at most, as shipped, until the condition of the rule is true: scrapes, looks and windows."""

    @property
    def page(self) -> Path:
        """Its runbook."""
        return RUNBOOKS / f"{self.alert}.md"

    @property
    def hold_minutes(self) -> int:
        """How long the condition must hold, as shipped; of a budget in its fastest windows."""
        return min(_minutes(alert.hold) for alert in ALERTS if alert.name == self.alert)

    @property
    def stated_minutes(self) -> int:
        """Within so long of the fault somebody is told, as shipped: it is seen, it holds, and a minute for evaluating rules and gathering."""
        return self.seen_minutes + self.hold_minutes + 1

    @property
    def told_within_seconds(self) -> float:
        """The same with time running faster, for the rule as for what comes before and after."""
        return 60 * (self.hold_minutes / self.pace.faster + (self.stated_minutes - self.hold_minutes) / PACE.faster)


def _minutes(duration: str) -> int:
    """Of the durations of rules, which are whole minutes or hours."""
    return int(duration[:-1]) * {"m": 1, "h": 60}[duration[-1]] if duration else 0


def _kill_workers(stack: Stack) -> None:
    for number in range(len(stack.workers)):
        stack.running(number).kill()


def _kill_again_and_again(stack: Stack) -> None:
    started = f'process_start_time_seconds{{instance="127.0.0.1:{stack.worker_ports[0]}"}}'
    for _ in range(3):
        [(_, before)] = stack.query(started)
        stack.running(0).kill()
        stack.start_worker(0)
        wait_for(lambda before=before: [value != before for _, value in stack.query(started)] == [True], 60, stack.explain)  # type: ignore[misc]


def _freeze_a_worker(stack: Stack) -> None:
    stack.running(0).freeze()


def _kill_probe(stack: Stack) -> None:
    assert stack.probe is not None
    stack.probe.kill()


def _kill_clickhouse(stack: Stack) -> None:
    assert stack.clickhouse is not None
    stack.clickhouse.kill()


def _poison(stack: Stack) -> None:
    stack.send(Topic.FEEDBACK, [(b"a", b"{")] * 1_300, partition=0)


def _some_that_are_malformed(stack: Stack) -> None:
    """Of so many that the budget bears them."""
    stack.send(Topic.FEEDBACK, [response(1_000_000 + number, number % 11) for number in range(15_000)])
    stack.send(Topic.FEEDBACK, [(b"a", b"{")] * 25)


def _many_that_are_malformed(stack: Stack) -> None:
    """Fewer than make a topic pause, and more than the budget bears."""
    stack.send(Topic.FEEDBACK, [(b"a", b"{")] * 60)


def _a_new_version(stack: Stack) -> None:
    stack.send(Topic.FEEDBACK, (response(number, schema_version=2) for number in range(2_000_000, 2_000_010)))


def _a_new_field(stack: Stack) -> None:
    stack.send(Topic.FEEDBACK, (response(number, mood="sunny") for number in range(2_100_000, 2_100_010)))


def _held_back(stack: Stack) -> None:
    """For three minutes, with the time at which they were to be sent."""
    stack.send(Topic.FEEDBACK, [response(3_000_000 + number, number % 11) for number in range(200)], age_seconds=180)


def _reset_offsets(stack: Stack) -> None:
    """As Kafka's own tool does, which wants a group that nobody is a member of."""
    committed = f'min(candor_committed_offset{{stage="{Stage.ACCOUNTS}",topic="{Topic.FEEDBACK}"}})'
    wait_for(lambda: [offset > 0 for _, offset in stack.query(committed)] == [True], 60, stack.explain)
    _kill_workers(stack)
    group = consumer_group(stack.environment["CANDOR_GROUP"], Stage.ACCOUNTS)
    to_the_beginning = {
        TopicPartition(stack.prefix + Topic.FEEDBACK, partition): OffsetAndMetadata(0, "", -1) for partition in range(stack.partitions)
    }
    with closing(KafkaAdminClient(bootstrap_servers=stack.bootstrap_servers)) as client:
        wait_for(lambda: not client.describe_groups([group])[group]["members"], 60, stack.explain)
        assert set(client.alter_group_offsets(group, to_the_beginning).values()) == {NoError}


def _counts_nothing_twice(stack: Stack) -> None:
    """Workers read on where their checkpoints say."""
    wait_for(lambda: [number > 0 for _, number in stack.query("sum(candor_accepted_total)")] == [True], 60, stack.explain)

    assert [number for _, number in stack.query("sum(candor_replayed_total) + sum(candor_duplicates_total)")] == [0.0]


def _hang_kafka(stack: Stack) -> None:
    """Once both workers have had something to commit."""
    accepted = f'min(candor_accepted_total{{stage="{Stage.ACCOUNTS}"}})'
    wait_for(lambda: [number > 0 for _, number in stack.query(accepted)] == [True], 60, stack.explain)
    stack.freeze_kafka()


def _starve_a_worker(stack: Stack) -> None:
    stack.starve(0)


def _was_fenced_off(stack: Stack) -> None:
    """As the page says that its log says."""
    logs = "".join(path.read_text(encoding="utf-8") for path in stack.folder.glob("worker-0-*.log"))
    lost = [line for line in logs.splitlines() if '"partition_lost"' in line]

    assert len([line for line in lost if "ProducerFenced" in line]) >= 3, "\n".join(lost)


def _simulated() -> Simulation:
    return simulate(_GAMED)


def _send_gamed(stack: Stack) -> None:
    events = stack.folder / "gamed.ndjson"
    write_events(events, _simulated().records())
    stack.candor("produce", str(events))


@dataclass(frozen=True, slots=True)
class Turn:
    """Faults that befall one stack: the lasting ones at once, the others meanwhile, one after the other."""

    name: str
    then: tuple[Fault, ...]
    lasting: tuple[Fault, ...] = ()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All of them, in the order in which they befall."""
        return self.lasting + self.then

    @property
    def is_loaded(self) -> bool:
        """Whether answers come in meanwhile."""
        return all(fault.is_loaded for fault in self.faults)


KILLED = Turn(
    "what runs is killed",
    (
        Fault("the probe is killed", "CandorProbeFailing", "platform", _kill_probe, "feedback"),
        Fault("ClickHouse is killed", "CandorSinkAway", "platform-page", _kill_clickhouse, "ClickHouse", by_hand=Stack.start_clickhouse, also=LATE),
        Fault("all workers are killed", "CandorWorkerDown", "platform-page", _kill_workers, "stopped", also=LATE),
        Fault(
            "a worker is killed again and again", "CandorWorkerCrashLooping", "platform-page", _kill_again_and_again, "ok",
            ends_by_itself=True, seen_minutes=3,
        ),
    ),
)  # fmt: skip
FROZEN = Turn(
    "a worker hangs",
    (
        Fault(
            "a worker hangs", "CandorConsumerStalled", "platform-page", _freeze_a_worker, "stalled",
            also=LATE, session_timeout_seconds=120.0, seen_minutes=3,
        ),
    ),
)  # fmt: skip
REFUSED = Turn(
    "records are refused",
    (
        Fault("some records are malformed", "CandorDeadLetterSpike", "platform", _some_that_are_malformed, "malformed", ends_by_itself=True),
        Fault(
            "a topic is poisoned", "CandorPaused", "platform-page", _poison, "malformed",
            also=LATE | {"CandorDeadLetterSpike", "CandorDeliveryBudgetBurn"},
        ),
    ),
)  # fmt: skip
UNSTEADY = Turn(
    "Kafka and workers do not hold",
    (
        Fault(
            "offsets are reset", "CandorConsumerRewound", "platform-page", _reset_offsets, "stopped",
            check=_counts_nothing_twice, also=LATE | {"CandorWorkerDown", "CandorConsumerStopped"}, ends_by_itself=True,
            session_timeout_seconds=4.0, seen_minutes=2,
        ),
        Fault(
            "Kafka hangs", "CandorCheckpointStale", "platform-page", _hang_kafka, "Kafka",
            by_hand=Stack.thaw_kafka, also=LATE | {"CandorProbeFailing", "CandorHeartbeatStale"}, seen_minutes=6,
        ),
        Fault(
            "a worker is starved of CPU", "CandorWorkerFenced", "platform", _starve_a_worker, "feedback", check=_was_fenced_off,
            # What it holds is not read until another has it, and once more after it woke.
            also=LATE | {"CandorConsumerStalled", "CandorConsumerStopped"}, session_timeout_seconds=4.0, seen_minutes=15,
        ),
    ),
    lasting=(
        Fault(
            "a producer leaves the contract", "CandorSchemaDrift", "platform", _a_new_version, "unknown_version",
            also=frozenset({"CandorDeliveryBudgetBurn"}), ends_by_itself=True, session_timeout_seconds=4.0,
        ),
        Fault(
            "many records are malformed", "CandorDeliveryBudgetBurn", "platform-page", _many_that_are_malformed, "malformed",
            # Of a hundred records at least, which take a while to come.
            also=frozenset({"CandorDeadLetterSpike"}), ends_by_itself=True, seen_minutes=3,
        ),
        Fault(
            "a producer holds records back", "CandorFreshnessBudgetBurn", "platform-page", _held_back, "candor_latency_seconds",
            also=LATE, ends_by_itself=True, seen_minutes=3,
        ),
    ),
)  # fmt: skip
GAMED = Turn(
    "a unit games its scores",
    (
        Fault(
            "a unit games its scores", "CandorGamingSuspected", "cx", _send_gamed, "suspect",
            # The company has begging units, records that are broken, and cases that nobody looks after.
            also=frozenset({"CandorBeggingReported", "CandorFollowUpOverdue", "CandorSchemaDrift"}),
            # Of a clock that does not run faster: twelve thousand events are judged first.
            is_loaded=False, simulation=_simulated, seen_minutes=10,
        ),
        Fault(
            "Kafka hangs in quiet hours", "CandorHeartbeatStale", "platform-page", Stack.freeze_kafka, r"Kafka at \S+: ",
            # Workers may hold the newest heartbeat.
            by_hand=Stack.thaw_kafka, also=frozenset({"CandorCheckpointStale", "CandorProbeFailing"}), is_loaded=False, seen_minutes=4,
        ),
    ),
)  # fmt: skip
UNREAD = Turn(
    "records are not read, or not written",
    (
        Fault(
            "Kafka deletes what was not read", "CandorRecordsDeleted", "platform-page", unread.delete_unread, "feedback",
            by_hand=unread.send_lost, check=unread.has_what_was_lost, also=LATE | {"CandorWorkerDown"}, session_timeout_seconds=4.0,
        ),
        Fault(
            "workers do not reach Kafka", "CandorConsumerStopped", "platform-page", unread.lead_workers_astray, "waiting for: kafka",
            also=LATE | {"CandorHeartbeatStale", "CandorWorkerDown"}, session_timeout_seconds=4.0, seen_minutes=4,
        ),
        Fault(
            "merges do not keep up", "CandorSinkFailing", "platform", Stack.hamper, "TOO_MANY_PARTS",
            by_hand=Stack.relieve, session_timeout_seconds=4.0,
        ),
    ),
    lasting=(
        Fault(
            "a producer sends a new field", "CandorUnknownFields", "platform", _a_new_field, "feedback",
            ends_by_itself=True, session_timeout_seconds=4.0, pace=HOURS,
        ),
    ),
)  # fmt: skip
_AT_THE_TABLES = 6
"""Minutes until a look at the tables shows what was sent, of clocks that mostly do not run faster."""
COMPANY = Turn(
    "customers are not served",
    (),
    lasting=(
        Fault(
            "nobody calls back", "CandorFollowUpOverdue", "cx", company.let_nobody_call, "'overdue': 5",
            by_hand=company.call, is_loaded=False, pace=DAYS, seen_minutes=_AT_THE_TABLES,
        ),
        Fault(
            "answers stay away", "CandorResponseRateCollapsed", "cx", company.let_answers_stay_away, "'answered_last': [1-9]",
            by_hand=company.let_answers_arrive, is_loaded=False, pace=DAYS, seen_minutes=_AT_THE_TABLES,
        ),
        Fault(
            "staff ask for scores", "CandorBeggingReported", "cx", company.let_staff_ask, "'asked': [1-9]",
            by_hand=company.let_staff_stop, is_loaded=False, pace=DAYS, seen_minutes=_AT_THE_TABLES,
        ),
        Fault(
            "the score falls", "CandorScoreDown", "cx", company.let_the_score_fall, "'n_last': [1-9]",
            by_hand=company.let_the_score_rise, is_loaded=False, pace=DAYS, seen_minutes=_AT_THE_TABLES,
        ),
    ),
)  # fmt: skip
FAULTS = tuple(fault for turn in (KILLED, FROZEN, REFUSED, UNSTEADY, GAMED, UNREAD, COMPANY) for fault in turn.faults)
