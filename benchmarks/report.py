"""Time, memory and size of a report over many answers: ``make bench-report RESPONSES=10000000``. Facts are those of ``benchmarks.views``.

Some units are suspect, with findings and flagged answers; no model is fitted.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from benchmarks import machine
from benchmarks.views import DAYS, LATEST, UNITS, fill, mebibytes
from sinks.address import parse
from sinks.clickhouse import ClickHouse, connect
from sinks.copies import database_of_copies
from streams.reporting import Asked, ReportSource, render

SUSPECTS = 20
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(?!LOYALTY)([a-z_]+)")


def judged() -> Iterator[str]:
    """Statements that make some units suspect: two findings each, and a sign on one of twenty answers of their last 60 days."""
    since = f"toDate32('{LATEST}') - 59"
    detectors = "['shared_devices', 'coached_text']"
    finding = (
        f"concat('u', toString(intDiv(number, 2))) AS unit_id, {detectors}[1 + number % 2] AS detector,"
        f" ['identity', 'text'][1 + number % 2] AS family, {since} AS since, {since} + 20 AS raised_on, toDate32('{LATEST}') AS sounded_on,"
        " toDateTime64(raised_on, 6, 'UTC') AS raised_at, concat(unit_id, '/', detector, '/', toString(raised_on)) AS finding_id,"
        " 1000. AS e_value, 20. AS found, 40. AS looked_at, 3. AS at_most, 'Made by a benchmark.' AS evidence, true AS standing, 1 AS version"
    )
    names = (
        "unit_id, detector, family, since, raised_on, sounded_on, raised_at, finding_id, e_value, found, looked_at, at_most, evidence, standing,"
        " version"
    )
    yield f"INSERT INTO cell_findings ({names}) SELECT {finding} FROM numbers({2 * SUSPECTS})"
    yield (
        "INSERT INTO cell_units (unit_id, state, families, since, version)"
        f" SELECT concat('u', toString(number)), 'suspect', ['identity', 'text'], {since}, 1 FROM numbers({SUSPECTS})"
    )
    yield (
        "INSERT INTO cell_signs (account_id, response_id, revision, unit_id, day, signs, flags, version)"
        f" SELECT account_id, response_id, revision, assumeNotNull(unit_id), day, {detectors}, {detectors}, 1 FROM fact_responses"
        f" WHERE unit_id IN (SELECT unit_id FROM cell_units) AND day >= {since} AND cityHash64(response_id) % 20 = 0"
    )


class Timed(ClickHouse):
    """Notes what each query cost, and what it read first."""

    spent: list[tuple[str, float, float]]
    """Of each query: relations, seconds, and seconds of CPU."""

    def query(self, sql: str, parameters: Mapping[str, object] | None = None, *, binary: bool = False, read_only: bool = False) -> pa.Table:
        """The same, timed."""
        begun, cpu = time.perf_counter(), time.process_time()
        found = super().query(sql, parameters, binary=binary, read_only=read_only)
        self.spent.append((", ".join(dict.fromkeys(_READ.findall(sql))), time.perf_counter() - begun, time.process_time() - cpu))
        return found


def measure(url: str) -> Iterator[str]:
    """Makes the report of the last 90 days, in a process that has read nothing else, and tells what it cost."""
    clickhouse = Timed(parse(url))
    clickhouse.spent = []
    clickhouse.ping()
    begun, cpu = time.perf_counter(), time.process_time()
    source = ReportSource(clickhouse)
    numbers = source.numbers(source.scope(Asked()))
    read = time.perf_counter() - begun
    page = render(numbers)
    total, cpu = time.perf_counter() - begun, time.process_time() - cpu
    yield f"report in {total:.1f} s ({cpu:.1f} s of CPU): read in {read:.1f} s, drawn and written in {total - read:.1f} s"
    yield f"{len(page.encode()) / 1e6:.2f} MB, {len(numbers.units)} units, {len(numbers.findings)} findings"
    yield f"at most {mebibytes('VmHWM'):,.0f} MiB of memory"
    yield ""
    yield "| reads | s | s of CPU |"
    yield "|---|---|---|"
    for relations, seconds, of_cpu in sorted(clickhouse.spent, key=lambda one: -one[1]):
        yield f"| {relations} | {seconds:.2f} | {of_cpu:.2f} |"
    clickhouse.close()


def main() -> None:
    """Prints the machine, the size, and what the report cost."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    arguments.add_argument("--responses", type=int, default=10_000_000, help="responses; five transactions each")
    arguments.add_argument("--copies", action="store_true", help="read the copies that are in the folder (benchmarks.views --copies makes them)")
    arguments.add_argument("--folder", type=Path, help="where the facts are kept; they are made there unless they are there already")
    arguments.add_argument("--url", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.url:
        for line in measure(given.url):
            print(line, flush=True)
        return
    print(machine.describe(), flush=True)
    print(f"{given.responses:,} responses, {5 * given.responses:,} transactions, {UNITS} units, {SUSPECTS} suspect, {DAYS} days", flush=True)
    with tempfile.TemporaryDirectory(prefix="candor-report-") as temporary:
        folder = given.folder or Path(temporary)
        url = f"chdb://{folder}/data?database=candor"
        if not (folder / "data").exists():
            clickhouse = connect(url)
            fill(clickhouse, given.responses)
            for statement in judged():
                clickhouse.command(statement)
            clickhouse.close()
        if given.copies:
            url = str(database_of_copies(parse(url)))
        subprocess.run([sys.executable, "-m", "benchmarks.report", "--url", url], check=True)


if __name__ == "__main__":
    main()
