"""``make bench``: throughput, latency, recovery and memory of the whole path."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import machine, pipeline


def main() -> None:
    """Prints the machine, then every figure."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    arguments.add_argument("--events", type=int, default=1_000_000, help="records of the mission mix")
    events: int = arguments.parse_args().events
    print(machine.describe(), flush=True)
    with tempfile.TemporaryDirectory(prefix="candor-bench-") as folder:
        for line in pipeline.run(Path(folder), events):
            print(line, flush=True)


if __name__ == "__main__":
    main()
