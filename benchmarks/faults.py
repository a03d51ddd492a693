"""``python -m benchmarks.faults``: from each fault to its alert, and from what is done about it until all is well.

With names of faults, as the table has them, of these alone. On real workers, broker, engine, Prometheus and Alertmanager, with the faults of the
tests, each on a stack of its own; rules and routes run with time faster, as there.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from streams.broker import LocalBroker
from tests.deploy.live.course import suffer_all
from tests.deploy.live.faults import FAULTS, Turn
from tests.deploy.live.stack import PACE


def main(*names: str) -> None:
    """Prints the machine, then a row for each fault, or for those of these names.

    Raises ``SystemExit`` for a name that none has, and at the end where one was told later than is stated.
    """
    if unknown := set(names) - {fault.name for fault in FAULTS}:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(fault.name for fault in FAULTS)}")
    late = []
    print(machine.describe())
    own = {fault.alert: fault.pace.faster for fault in FAULTS if fault.pace.faster != PACE.faster}
    others = ", ".join(f"{alert} {faster:g} times" for alert, faster in own.items())
    print(f"\nTime of rules and routes runs {PACE.faster:g} times faster, that of {others}; seconds are those of the clock.\n")
    print("| fault | alert | holds, as shipped | told within, as shipped | told after | read on after | end told after |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="candor-faults-") as name:
        folder = Path(name)
        with LocalBroker(folder / "kafka") as broker:
            for number, fault in enumerate(fault for fault in FAULTS if not names or fault.name in names):
                (place := folder / str(number)).mkdir()
                for _, course in suffer_all(Turn(fault.name, (fault,)), place, broker, f"fault{number}."):
                    figures = " | ".join(f"{seconds:.0f} s" for seconds in (course.told, course.well, course.ended))
                    print(f"| {fault.name} | {fault.alert} | {fault.hold_minutes}m | {fault.stated_minutes}m | {figures} |", flush=True)
                    if course.told > fault.told_within_seconds:
                        late.append(fault.name)
    if late:
        raise SystemExit(f"told later than stated: {', '.join(late)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
