"""Faults: what is done to the stack, which alert must arrive where, and what of its runbook people do by hand."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaProducer

from schemas.enums import Topic
from streams.files import write_events
from streams.simulate import Plan, Simulation, simulate
from tests.conftest import wait_for
from tests.deploy.live.stack import Stack, response
from tests.deploy.pages import RUNBOOKS, blocks, lines

GAMED = Plan(seed=3, accounts=600, units=10, events=12_000, months=5, gamed_share=0.3)
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
    also: frozenset[str] = frozenset()
    """Alerts that are true as well, and may be told."""
    ends_by_itself: bool = False
    """The alert ends with time, whatever is done."""
    is_loaded: bool = True
    """Whether answers come in meanwhile."""
    session_timeout_seconds: float = 6.0
    simulation: Callable[[], Simulation] | None = None
    """The company whose catalog is used."""

    @property
    def page(self) -> Path:
        """Its runbook."""
        return RUNBOOKS / f"{self.alert}.md"


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


def _send(stack: Stack, records: Sequence[tuple[bytes, bytes]], partition: int | None = None) -> None:
    with closing(KafkaProducer(bootstrap_servers=stack.bootstrap_servers, linger_ms=20)) as producer:
        for key, value in records:
            producer.send(stack.prefix + Topic.FEEDBACK, key=key, value=value, partition=partition)
        producer.flush()


def _poison(stack: Stack) -> None:
    _send(stack, [(b"a", b"{")] * 1_300, partition=0)


def _some_that_are_malformed(stack: Stack) -> None:
    """Of so many that the budget bears them."""
    _send(stack, [response(1_000_000 + number, number % 11) for number in range(15_000)])
    _send(stack, [(b"a", b"{")] * 25)


def _send_gamed(stack: Stack) -> None:
    events = stack.folder / "gamed.ndjson"
    write_events(events, simulate(GAMED).records())
    stack.candor("produce", str(events))


FAULTS = (
    Fault("all workers are killed", "CandorWorkerDown", "platform-page", _kill_workers, "stopped", also=LATE),
    Fault("a worker is killed again and again", "CandorWorkerCrashLooping", "platform-page", _kill_again_and_again, "ok", ends_by_itself=True),
    Fault("a worker hangs", "CandorConsumerStalled", "platform-page", _freeze_a_worker, "stalled", also=LATE, session_timeout_seconds=120.0),
    Fault("the probe is killed", "CandorProbeFailing", "platform", _kill_probe, "feedback"),
    Fault("ClickHouse is killed", "CandorSinkAway", "platform-page", _kill_clickhouse, "ClickHouse", by_hand=Stack.start_clickhouse, also=LATE),
    Fault(
        "a topic is poisoned", "CandorPaused", "platform-page", _poison, "malformed",
        also=LATE | {"CandorDeadLetterSpike", "CandorDeliveryBudgetBurn"},
    ),
    Fault("some records are malformed", "CandorDeadLetterSpike", "platform", _some_that_are_malformed, "malformed", ends_by_itself=True),
    Fault(
        "a unit games its scores", "CandorGamingSuspected", "cx", _send_gamed, "suspect",
        # The company has begging units, records that are broken, and cases that nobody looks after.
        also=frozenset({"CandorBeggingReported", "CandorFollowUpOverdue", "CandorSchemaDrift"}),
        is_loaded=False, simulation=lambda: simulate(GAMED),
    ),
)  # fmt: skip


def stack_of(fault: Fault, folder: Path, bootstrap_servers: str, prefix: str) -> Stack:
    """The stack that the fault befalls, not started yet."""
    catalog = None
    if fault.simulation is not None:
        catalog = folder / "catalog.yaml"
        catalog.write_text(fault.simulation().catalog(), encoding="utf-8")
    return Stack(folder, bootstrap_servers, prefix, catalog, fault.session_timeout_seconds)


@dataclass(frozen=True, slots=True)
class Course:
    """How long a fault took, in seconds, and what the commands under "Look" printed."""

    told: float
    """From the fault until its alert had arrived."""
    well: float
    """From what was done about it until the probe called every partition well."""
    ended: float
    """From what was done about it until the end of the alert had arrived."""
    shown: str


def suffer(stack: Stack, fault: Fault) -> Course:
    """A fault from its beginning to the end of its alert, which must come to its receiver and to nobody else."""
    began = time.monotonic()
    fault.inject(stack)
    wait_for(lambda: stack.told(fault.alert, firing=True) == {fault.receiver}, 120, stack.explain)
    told = time.monotonic() - began
    shown = look(stack, fault)
    if not fault.ends_by_itself:
        assert not stack.told(fault.alert, firing=False), "it ended before anything was done about it"
    act(stack, fault)
    acted = time.monotonic()
    wait_for(lambda: _is_read(stack), 120, stack.explain)
    well = time.monotonic() - acted
    wait_for(lambda: stack.told(fault.alert, firing=False) == {fault.receiver}, 150, stack.explain)
    return Course(told, well, time.monotonic() - acted, shown)


def _is_read(stack: Stack) -> bool:
    [(_, places)] = stack.query("count(candor_lag_records)") or [({}, 0.0)]
    return places > 0 and [well for _, well in stack.query('sum(candor_lag_state{state="ok"})')] == [places]


def look(stack: Stack, fault: Fault) -> str:
    """Type what the page says under "Look"; returns what is printed."""
    return "\n".join(stack.shell(line) for block in blocks(fault.page, "sh", "Look") for line in lines(block))


def act(stack: Stack, fault: Fault) -> None:
    """Do what is done by hand, and type what the page says under "Do"."""
    fault.by_hand(stack)
    for block in blocks(fault.page, "sh", "Do"):
        for line in lines(block):
            if line == "candor worker":
                _start_workers(stack)
            elif line == "candor lag --serve":
                stack.start_probe()
            else:
                for variables in _each(stack, line):
                    stack.shell(line, **variables)


def _start_workers(stack: Stack) -> None:
    for number in range(len(stack.workers)):
        worker = stack.running(number)
        if not worker.running:
            worker.kill()
            stack.start_worker(number)


def _each(stack: Stack, line: str) -> Iterator[dict[str, str]]:
    """What stands for the variables of a line, once for each thing that it is typed for."""
    if "$FINDING" in line:
        for finding in json.loads(stack.shell("candor findings list --state suspect --undecided --json")):
            yield {"FINDING": finding["finding_id"]}
    elif "$WORKER" in line:
        workers = [stack.running(number) for number in range(len(stack.workers))]
        stopped = [worker for worker in workers if worker.stopped]
        for worker in stopped or workers:
            yield {"WORKER": str(worker.pid)}
    else:
        yield {}
