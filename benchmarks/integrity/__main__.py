"""``python -m benchmarks.integrity``: the promise of the detectors, measured."""

import argparse

from benchmarks import machine
from benchmarks.integrity import guarantee


def main() -> None:
    """Prints the machine, then the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.integrity", description=__doc__)
    parser.add_argument("--fleets", type=int, default=200, help=f"fleets of {guarantee.UNITS_A_FLEET} units")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(machine.describe(), flush=True)
    runs = []
    for run in guarantee.measure(arguments.fleets, arguments.seed):
        runs.append(run)
        print(f"{run.name}, {run.correlation}, {run.between}: {run.ratio:.2f}", flush=True)
    print("\n".join(guarantee.table(runs)))


if __name__ == "__main__":
    main()
