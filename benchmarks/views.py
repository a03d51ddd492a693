"""Time and memory of every view over many rows: ``make bench-views RESPONSES=10000000``. Facts are made by ClickHouse itself, from numbers."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import machine
from schemas.catalog import Catalog
from sinks.base import SinkError
from sinks.catalog import write_catalog
from sinks.clickhouse import ClickHouse, connect
from sinks.copies import Copies, database_of_copies
from sinks.dictionary import read_relations
from sinks.migrate import Migrator

DAYS = 730
LATEST = "2026-12-31"
UNITS = 500
PEER_GROUPS = 5
SURVEYS = ("visit", "order", "support")


UNIT, ACCOUNT, FROM = "u7", "a77", "2026-12-01"
"""What a dashboard asks of: one unit in the last month, or one account."""
PERIODS = ("day", "month", "window_start", "occurred_at", "opened_at", "due_at", "answered_at", "sent_at")
"""Columns that say when, the first of a view is taken."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One reading: seconds on the clock, and seconds of CPU over all threads. On a busy machine the latter alone can be compared."""

    clock: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One view: what runs took of all rows and of few, rows of all, and the MiB by which the process grew at most; or why it was stopped."""

    view: str
    whole: tuple[Timed, ...]
    narrow: tuple[Timed, ...]
    """Empty where the view has no unit, period or account to ask of."""
    rows: int
    mebibytes: float
    problem: str = ""

    @property
    def cpu(self) -> float:
        """Median seconds of CPU of all rows; infinite where it was stopped."""
        return statistics.median(one.cpu for one in self.whole) if self.whole else float("inf")


def facts(responses: int) -> Iterator[str]:
    """Statements that fill the facts: five transactions and two chances to ask a response, an account for ten responses.

    Accounts are used unevenly (of ``u`` uniform, the account ``u^2``), so that few are busy; scores have the shape that surveys have.
    """
    accounts = max(1, responses // 10)

    def uniform(seed: int) -> str:
        return f"(intHash64(number + {seed}000000007) / 18446744073709551616.)"

    def head(seed: int, name: str, kind: str) -> str:
        """Columns that all facts have."""
        day = f"toDate32('{LATEST}') - toUInt16({DAYS} * {uniform(seed)})"
        return (
            f"concat('a', toString(toUInt64({accounts} * pow({uniform(seed + 1)}, 2)))) AS account_id,"
            f" concat('{name}', toString(number)) AS event_id, '{kind}' AS event_type, {day} AS day,"
            f" toDateTime64(day, 6, 'UTC') + toIntervalSecond(toUInt32(86400 * {uniform(seed + 2)})) AS occurred_at,"
            f" occurred_at + toIntervalSecond(5) AS received_at, concat('u', toString(number % {UNITS})) AS unit_id,"
            f" ['web', 'email', 'app', 'store'][1 + intHash64(number) % 4] AS channel, 1 AS version"
        )

    def insert(table: str, rows: int, source: str, columns: str) -> str:
        names = f"SELECT {source}, {columns} FROM numbers({rows})"
        return f"INSERT INTO {table} ({_names(source)}, {_names(columns)}) {names}"

    surveys = "['" + "', '".join(SURVEYS) + "']"
    # A response is about the transaction of its own number, and answers the invitation of its own number.
    yield insert(
        "fact_responses",
        responses,
        head(11, "r", "response.submitted"),
        f"event_id AS response_id, 1 AS revision, {surveys}[1 + number % 3] AS survey_id, concat('i', toString(number)) AS invitation_id,"
        " concat('t', toString(number)) AS transaction_id, ['nps', 'nps', 'csat'][1 + number % 3] AS metric,"
        f" if(metric = 'nps', [10, 10, 9, 9, 8, 8, 7, 6, 4, 0][1 + toUInt8(9.999 * {uniform(15)})],"
        f" [5, 5, 5, 4, 4, 4, 3, 3, 2, 1][1 + toUInt8(9.999 * {uniform(15)})]) AS score, if(metric = 'nps', 0, 1) AS scale_min,"
        " if(metric = 'nps', 10, 5) AS scale_max, score AS score_mapped,"
        " if(metric = 'nps', multiIf(score >= 9, 'promoter', score >= 7, 'passive', 'detractor'), NULL) AS class, score = scale_max AS top_box,"
        " if(metric = 'nps', score >= 9, score >= 4) AS top_two_box,"
        " map('speed', toFloat64(1 + number % 5), 'price', toFloat64(1 + number % 4)) AS answers,"
        " if(number % 5 = 0, toFloat64(7 + number % 3), NULL) AS expected_score,"
        " if(number % 50 = 0, [toFloat64(number % 11)], []) AS competitor_scores,"
        " concat('d', toString(number)) AS device_hash, concat('c', toString(number)) AS contact_hash",
    )
    yield insert(
        "fact_withdrawals",
        responses // 200,
        head(11, "w", "response.withdrawn"),
        "concat('r', toString(number)) AS response_id, 'visit' AS survey_id",
    )
    yield insert(
        "fact_transactions",
        5 * responses,
        head(11, "t", "transaction.completed"),
        "event_id AS transaction_id, toDecimal64(exp(3 + 0.8 * sqrt(-2 * log(1 - " + uniform(21) + ")) * cos(6.283185307 * " + uniform(22) + ")), 4)"
        " AS amount, 'EUR' AS currency, amount AS amount_base, [concat('p', toString(number % 1000))] AS product_ids, [1.] AS product_quantities,"
        " [amount] AS product_amounts, [false] AS product_consumable,"
        " ['', 'referral', 'advertising', 'recommendation', 'sales'][1 + number % 5] AS acquisition_reason",
    )
    for kind in ("eligible", "sent"):
        yield insert(
            "fact_invitations",
            2 * responses,
            head(11, "i", f"invitation.{kind}"),
            "event_id AS invitation_id, concat('t', toString(number)) AS transaction_id, 'visit' AS survey_id, 0.5 AS inclusion_probability",
        )
    yield insert(
        "fact_communications",
        responses,
        head(31, "m", "communication.sent"),
        "event_id AS message_id, ['sell', 'upsell', 'value_education', 'service'][1 + number % 4] AS purpose, "
        "[concat('p', toString(number % 1000))] AS offer_product_ids",
    )
    for step, later in (("opened", 1), ("contacted", 20), ("resolved", 60)):
        yield insert(
            "fact_cases",
            responses // 10,
            head(11, "k", f"case.{step}").replace("toIntervalSecond(toUInt32(", f"toIntervalHour({later}) + toIntervalSecond(toUInt32("),
            "event_id AS case_id, concat('r', toString(number)) AS response_id, 'detractor' AS trigger",
        )
    yield insert(
        "fact_outcomes",
        responses // 10,
        head(41, "o", "outcome.recorded"),
        "event_id AS outcome_id, 'hours' AS objective_id, 10. AS baseline, 4. AS target, 4 + 6 * " + uniform(45) + " AS current, 1. AS weight,"
        " toDecimal64(100, 4) AS value_amount_base, toDecimal64(200, 4) AS claimed_amount_base, ['customer', 'vendor', 'joint'][1 + number % 3]"
        " AS attested_by",
    )
    yield (
        "INSERT INTO cell_loyalty (day, unit_id, channel, metric, partition, generation, n, promoters, passives, detractors, top_box, top_two_box,"
        " score_sum, score_sum_squares, revenue, version)"
        " SELECT day, ifNull(unit_id, ''), channel, assumeNotNull(metric), cityHash64(account_id) % 8 AS p, 1,"
        " count(), countIf(class = 'promoter'), countIf(class = 'passive'), countIf(class = 'detractor'), countIf(top_box), countIf(top_two_box),"
        " toDecimal128(sum(score_mapped), 9), toDecimal128(sum(score_mapped * score_mapped), 9), toDecimal128(20 * count(), 4), 1"
        " FROM fact_responses GROUP BY day, unit_id, channel, metric, p"
    )
    yield (
        "INSERT INTO cell_accounts (account_id, first_seen, last_seen, revenue, refunds, transactions, products_owned, last_score, responses,"
        " open_cases, messages, partition, version)"
        " SELECT account_id, min(occurred_at), max(occurred_at), sum(amount_base), 0, count(), uniq(product_ids), 9, 1, 0, 1,"
        " cityHash64(account_id) % 8, 1 FROM fact_transactions GROUP BY account_id"
    )


def _names(columns: str) -> str:
    """Names after AS, in order, of a list of columns."""
    words = columns.replace(",", " ").split()
    return ", ".join(name for word, name in pairwise(words) if word == "AS")


def catalog() -> Catalog:
    """Units in peer groups, and surveys of one programme each."""
    return Catalog.model_validate(
        {
            "base_currency": "EUR",
            "units": [{"unit_id": f"u{number}", "peer_group": f"g{number % PEER_GROUPS}"} for number in range(UNITS)],
            "surveys": [{"survey_id": survey, "programme": survey, "owner": "care"} for survey in SURVEYS],
        }
    )


def fill(clickhouse: ClickHouse, responses: int) -> None:
    """Make everything."""
    Migrator(clickhouse).apply()
    write_catalog(clickhouse, catalog())
    for statement in facts(responses):
        clickhouse.command(statement)


def readable(clickhouse: ClickHouse) -> list[str]:
    """Names of the views that can be read without parameters."""
    return [relation.about.name for relation in read_relations(clickhouse) if relation.is_view and not relation.parameters]


def copied(clickhouse: ClickHouse, limits: str) -> Iterator[str]:
    """Copies the views, prints what that takes, and returns the names of those that were."""
    # One session: chDB keeps what is set.
    clickhouse.command(f"SET {limits}")
    print("| view | copied: CPU | clock | rows |\n|---|---|---|---|", flush=True)
    used = time.process_time()
    for one in Copies(clickhouse).make():
        cpu, used = time.process_time() - used, time.process_time()
        print(
            f"| `{one.name}` | {cpu:,.1f} s | {one.seconds:,.1f} s | {one.problem.split('DB::Exception:')[-1][:90] or f'{one.rows:,}'} |", flush=True
        )
        if not one.problem:
            yield one.name


def narrowed(columns: Iterable[str]) -> str:
    """A condition on a unit and the newest month, as far as the view tells them; else on an account; empty where it tells neither."""
    known = tuple(columns)
    conditions = [f"unit_id = '{UNIT}'"] if "unit_id" in known else []
    conditions += [f"{name} >= '{FROM}'" for name in PERIODS if name in known][:1]
    if not conditions and "account_id" in known:
        conditions = [f"account_id = '{ACCOUNT}'"]
    return " AND ".join(conditions)


def measure(clickhouse: ClickHouse, view: str, runs: int, limits: str) -> Measured:
    """Read all columns of all rows, and of few, so many times, in a process that has read nothing else."""
    clickhouse.ping()
    before = mebibytes("VmRSS")
    condition = narrowed(clickhouse.query(f"SELECT name FROM system.columns WHERE table = '{view}'").column("name").to_pylist())
    whole, rows = [], 0
    try:
        for _ in range(runs):
            found, took = _read(clickhouse, view, "1", limits)
            rows = found
            whole.append(took)
        grown = mebibytes("VmHWM") - before
        narrow = [_read(clickhouse, view, condition, limits)[1] for _ in range(runs if condition else 0)]
    except SinkError as error:
        return Measured(view, (), (), 0, 0.0, str(error).split("DB::Exception:")[-1].strip()[:90])
    return Measured(view, tuple(whole), tuple(narrow), rows, grown)


def _read(clickhouse: ClickHouse, view: str, condition: str, limits: str) -> tuple[int, Timed]:
    # Every column takes part, so that none is left out of the reading.
    begun, used = time.perf_counter(), time.process_time()
    sql = f"SELECT count() FROM (SELECT * FROM {view} WHERE {condition}) WHERE NOT ignore(*) SETTINGS {limits}"
    rows = int(clickhouse.command(sql) or 0)
    return rows, Timed(time.perf_counter() - begun, time.process_time() - used)


def mebibytes(name: str) -> float:
    """What Linux says of this process's memory, now (VmRSS) or at most (VmHWM, which, unlike getrusage, leaves out who started the process)."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


def alone(url: str, view: str, runs: int, limits: str) -> Measured:
    """The same in a process of its own, so that its memory is that of the view."""
    command = [sys.executable, "-m", "benchmarks.views", "--of", view, "--url", url, "--runs", str(runs), "--limits", limits]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return Measured(view, (), (), 0, 0.0, (done.stderr.strip().splitlines() or ["ended"])[-1][:90])
    found = json.loads(done.stdout.splitlines()[-1])
    whole, narrow = (tuple(Timed(*one) for one in found[name]) for name in ("whole", "narrow"))
    return Measured(found["view"], whole, narrow, found["rows"], found["mebibytes"], found["problem"])


def table(found: list[Measured]) -> Iterator[str]:
    """Markdown, the slowest first: medians."""
    yield "| view | whole: CPU | whole: clock | one unit, last month (else one account): CPU | clock | memory | rows |"
    yield "|---|---|---|---|---|---|---|"
    for one in sorted(found, key=lambda measured: -measured.cpu):
        shown = " | ".join(
            f"{1000 * statistics.median(took):,.0f} ms" if took else one.problem or "-"
            for took in (
                [run.cpu for run in one.whole], [run.clock for run in one.whole], [run.cpu for run in one.narrow], [run.clock for run in one.narrow]
            )
        )  # fmt: skip
        yield f"| `{one.view}` | {shown} | {one.mebibytes:,.0f} MiB | {one.rows:,} |"


def main() -> None:
    """Prints the machine, the size, and the table."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.views", description=__doc__)
    arguments.add_argument("--responses", type=int, default=10_000_000, help="responses; five transactions each")
    arguments.add_argument("--folder", type=Path, help="where the facts are kept; they are made there unless they are there already")
    arguments.add_argument("--copies", action="store_true", help="copy the views first, and measure the copies")
    arguments.add_argument("--runs", type=int, default=3, help="times that each view is read")
    arguments.add_argument("--limits", default="max_threads = 2, max_execution_time = 120, max_memory_usage = 8000000000")
    arguments.add_argument("--of", help=argparse.SUPPRESS)
    arguments.add_argument("--url", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.of:
        clickhouse = connect(given.url)
        found = measure(clickhouse, given.of, given.runs, given.limits)
        times = {name: [astuple(one) for one in took] for name, took in (("whole", found.whole), ("narrow", found.narrow))}
        print(json.dumps({**asdict(found), **times}), flush=True)
        clickhouse.close()
        return
    print(machine.describe(), flush=True)
    print(
        f"{given.responses:,} responses, {5 * given.responses:,} transactions, {max(1, given.responses // 10):,} accounts, {UNITS} units, {DAYS} days"
    )
    with tempfile.TemporaryDirectory(prefix="candor-views-") as temporary:
        folder = given.folder or Path(temporary)
        url = f"chdb://{folder}/data?database=candor"
        begun, is_there = time.perf_counter(), (folder / "data").exists()
        clickhouse = connect(url)
        if not is_there:
            fill(clickhouse, given.responses)
            print(f"filled in {time.perf_counter() - begun:.0f} s", flush=True)
        views = readable(clickhouse)
        if given.copies:
            views = list(copied(clickhouse, given.limits))
            url = str(database_of_copies(clickhouse.address))
        clickhouse.close()
        measured = []
        for view in views:
            measured.append(alone(url, view, given.runs, given.limits))
            print(f"{len(measured)} of {len(views)}: {view}", file=sys.stderr, flush=True)
        for line in table(measured):
            print(line, flush=True)


if __name__ == "__main__":
    main()
