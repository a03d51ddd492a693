"""The course of a fault: it befalls, it is told, somebody looks and does what the page says, and the end is told."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from streams.broker import LocalBroker
from tests.conftest import wait_for
from tests.deploy.live.faults import Fault, Turn
from tests.deploy.live.stack import Stack, load, running
from tests.deploy.pages import blocks, lines


def stack_of(faults: Sequence[Fault], folder: Path, broker: LocalBroker, prefix: str) -> Stack:
    """The stack that the faults befall, not started yet."""
    catalog = None
    for simulated in {fault.simulation for fault in faults if fault.simulation is not None}:
        catalog = folder / "catalog.yaml"
        catalog.write_text(simulated().catalog(), encoding="utf-8")
    paces = {fault.alert: fault.pace for fault in faults}
    return Stack(folder, broker, prefix, catalog, faults[0].session_timeout_seconds, paces)


@dataclass(frozen=True, slots=True)
class Course:
    """How long a fault took, in seconds, and what the commands under "Look" printed."""

    told: float
    """From the fault, once all of it was done, until its alert had arrived."""
    well: float
    """From what was done about it until the probe called every partition well."""
    ended: float
    """From what was done about it until the end of the alert had arrived."""
    shown: str


@dataclass(frozen=True, slots=True)
class _Begun:
    """A fault that has befallen a stack."""

    fault: Fault
    at: float
    """When all of it was done."""
    heard: int
    """Notifications that had arrived before."""


def suffer_all(turn: Turn, folder: Path, broker: LocalBroker, prefix: str) -> Iterator[tuple[Fault, Course]]:
    """The course of each fault of a turn, on a stack of its own; nobody may be told of anything else."""
    with running(stack_of(turn.faults, folder, broker, prefix)) as stack, load(stack) if turn.is_loaded else nullcontext():
        begun = [_begin(stack, fault) for fault in turn.lasting]
        told = [_hear(stack, one) for one in begun]
        for fault in turn.faults[len(begun) :]:
            one = _begin(stack, fault)
            heard = _hear(stack, one)
            yield fault, _end(stack, one, _do(stack, one), *heard)
        done = [_do(stack, one) for one in begun]
        for one, at, heard in zip(begun, done, told, strict=True):
            yield one.fault, _end(stack, one, at, *heard)
        about = {notification.alert for notification in stack.webhook.heard() if notification.firing}
        allowed = {alert for fault in turn.faults for alert in (fault.alert, *fault.also)}
        assert about <= {"CandorWatchdog", *allowed}, about


def _begin(stack: Stack, fault: Fault) -> _Begun:
    heard = len(stack.webhook.heard())
    fault.inject(stack)
    return _Begun(fault, time.monotonic(), heard)


def _hear(stack: Stack, begun: _Begun) -> tuple[float, str]:
    """Wait for the alert, which must come to its receiver and to nobody else; how long it took, and what is seen then."""
    fault = begun.fault
    wait_for(lambda: stack.told(fault.alert, firing=True, since=begun.heard) == {fault.receiver}, 240, stack.explain)
    return time.monotonic() - begun.at, look(stack, fault)


def _do(stack: Stack, begun: _Begun) -> float:
    """Do something about it; when that was done."""
    fault = begun.fault
    if not fault.ends_by_itself:
        assert not stack.told(fault.alert, firing=False, since=begun.heard), f"{fault.name} ended before anything was done about it"
    act(stack, fault)
    return time.monotonic()


def _end(stack: Stack, begun: _Begun, done: float, told: float, shown: str) -> Course:
    """Wait until the end of it is told as well."""
    fault = begun.fault
    wait_for(lambda: _is_read(stack), 180, stack.explain)
    well = time.monotonic() - done
    fault.check(stack)
    wait_for(lambda: stack.told(fault.alert, firing=False, since=begun.heard) == {fault.receiver}, 300, stack.explain)
    return Course(told, well, time.monotonic() - done, shown)


def _is_read(stack: Stack) -> bool:
    [(_, places)] = stack.query("count(candor_lag_records)") or [({}, 0.0)]
    return places > 0 and [well for _, well in stack.query('sum(candor_lag_state{state="ok"})')] == [places]


def look(stack: Stack, fault: Fault) -> str:
    """Type, and ask ClickHouse, what the page says under "Look"; returns what is printed."""
    printed = [stack.shell(line) for block in blocks(fault.page, "sh", "Look") for line in lines(block)]
    with stack.connected() as clickhouse:
        printed += [str(row) for query in blocks(fault.page, "sql", "Look") for row in clickhouse.query(query).to_pylist()]
    return "\n".join(printed)


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
                for variables in _each(stack, fault, line):
                    stack.shell(line, **variables)
                    if line.startswith("kill") and "-HUP" not in line:
                        # A worker that is told to end commits first.
                        wait_for(lambda pid=variables["WORKER"]: not _runs(stack, pid), 60, stack.explain)  # type: ignore[misc]


def _runs(stack: Stack, pid: str) -> bool:
    return any(str(worker.pid) == pid and worker.running for worker in map(stack.running, range(len(stack.workers))))


def _start_workers(stack: Stack) -> None:
    for number in range(len(stack.workers)):
        worker = stack.running(number)
        if not worker.running:
            worker.kill()
            stack.start_worker(number)


def _each(stack: Stack, fault: Fault, line: str) -> Iterator[dict[str, str]]:
    """What stands for the variables of a line, once for each thing that it is typed for."""
    if "$FINDING" in line:
        for finding in json.loads(stack.shell("candor findings list --state suspect --undecided --json")):
            yield {"FINDING": finding["finding_id"]}
    elif "$WORKER" in line:
        workers = [stack.running(number) for number in stack.named(fault.alert) or range(len(stack.workers))]
        stopped = [worker for worker in workers if worker.stopped]
        for worker in stopped or workers:
            yield {"WORKER": str(worker.pid)}
    else:
        yield {}
