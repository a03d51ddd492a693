"""``python -m benchmarks.integrity``: whether the detectors keep their promise, and what they see."""

import argparse

from benchmarks import machine
from benchmarks.integrity import guarantee, power


def main() -> None:
    """Prints the machine, then the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.integrity", description=__doc__)
    parser.add_argument("--fleets", type=int, default=200, help=f"clean fleets of {guarantee.UNITS_A_FLEET} units; 0 leaves them out")
    parser.add_argument("--companies", type=int, default=10, help=f"simulated companies of {power.UNITS} units; 0 leaves them out")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    arguments = parser.parse_args()
    print(machine.describe(), flush=True)
    if arguments.fleets:
        print("\n".join(guarantee.table(list(guarantee.measure(arguments.fleets, arguments.seed)))), flush=True)
    if arguments.companies:
        companies = [power.back_test(seed) for seed in range(arguments.seed, arguments.seed + arguments.companies)]
        print("\n".join(power.table(companies)))


if __name__ == "__main__":
    main()
