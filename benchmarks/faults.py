"""``python -m benchmarks.faults``: from each fault to its alert, and from what is done about it until all is well.

With names of faults, as the table has them, of these alone. On real workers, broker, engine, Prometheus and Alertmanager, with the faults of the
tests; rules and routes run with time faster, as there.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks import machine
from streams.broker import LocalBroker
from streams.metrics.alerts import ALERTS
from tests.deploy.live.course import suffer_all
from tests.deploy.live.faults import FAULTS, Turn
from tests.deploy.live.stack import PACE


def main(*names: str) -> None:
    """Prints the machine, then a row for each fault, or for those of these names; raises ``SystemExit`` for a name that none has."""
    if unknown := set(names) - {fault.name for fault in FAULTS}:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(fault.name for fault in FAULTS)}")
    holds = {alert.name: alert.hold or "0m" for alert in ALERTS}
    print(machine.describe())
    print(f"\nTime of rules and routes runs {PACE.faster:g} times faster; seconds are those of the clock.\n")
    print("| fault | alert | must hold, as shipped | told after | read on after | end told after |\n|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="candor-faults-") as name:
        folder = Path(name)
        with LocalBroker(folder / "kafka") as broker:
            for number, fault in enumerate(fault for fault in FAULTS if not names or fault.name in names):
                (place := folder / str(number)).mkdir()
                for _, course in suffer_all(Turn(fault.name, (fault,)), place, broker, f"fault{number}."):
                    figures = " | ".join(f"{seconds:.0f} s" for seconds in (course.told, course.well, course.ended))
                    print(f"| {fault.name} | {fault.alert} | {holds[fault.alert]} | {figures} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
