"""What the demo shows in the end, all of it read from the views that everybody queries."""

from collections.abc import Iterator
from decimal import Decimal

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from sinks.base import Reader

TOTAL = """SELECT metric, n, coalesce(nps, csat, ces) AS score, coalesce(nps_low, csat_low, ces_low) AS low,
coalesce(nps_high, csat_high, ces_high) AS high,
multiIf(metric = 'nps', 'points', metric = 'csat', '% satisfied', metric = 'ces', 'mean of 1 to 7', '-') AS score_is, response_rate, revenue
FROM loyalty_total WHERE period = 'all' ORDER BY n DESC"""
UNITS = """SELECT unit_id, ifNull(toString(judged.state), 'not judged') AS state, of_unit.n AS n, nps, nps_low AS low, nps_high AS high,
of_unit.nps_excluded AS excluded, response_rate
FROM loyalty_by_unit AS of_unit LEFT JOIN (SELECT unit_id, toNullable(state) AS state FROM integrity_units) AS judged USING unit_id
WHERE period = 'all' AND metric = 'nps' AND of_unit.n >= 20 ORDER BY nps DESC"""
ACCOUNTS = """SELECT count() AS accounts, sum(revenue) AS revenue, sum(refunds) AS refunds, sum(transactions) AS transactions,
sum(responses) AS responses, sum(open_cases) AS open_cases FROM accounts"""
SUSPECTS = """SELECT unit_id, state, toString(since) AS since, n, validity_rate AS valid, nps_raw AS raw, nps_excluded AS excluded,
nps_bound_low AS at_worst FROM integrity_units
WHERE state != 'clear' ORDER BY state DESC, e_value DESC LIMIT 10"""
REFUSED = "SELECT reason, count() AS records FROM dead_letters GROUP BY reason ORDER BY records DESC, reason"

QUERIES = (
    (
        "NPS a month of the largest unit; sums may be grouped in any way, scores come from the sums",
        """SELECT toStartOfMonth(day) AS month, sum(n) AS responses, round(100 * (sum(promoters) - sum(detractors)) / sum(n), 1) AS nps
FROM loyalty_daily WHERE metric = 'nps' AND unit_id =
(SELECT unit_id FROM loyalty_by_unit WHERE period = 'all' AND metric = 'nps' ORDER BY n DESC LIMIT 1)
GROUP BY month ORDER BY month""",
    ),
    (
        "Unhappy customers with most revenue and an open case",
        """SELECT account_id, last_score, revenue, open_cases, last_seen FROM accounts
WHERE last_score < 7 AND open_cases > 0 ORDER BY revenue DESC LIMIT 10""",
    ),
    (
        "Units whose scores look gamed, with the evidence in words and how many responses carry it",
        """SELECT unit_id, state, detector, since, length(response_ids) AS responses, evidence FROM findings
ORDER BY state DESC, unit_id, raised_at""",
    ),
    ("What could not be used, and why", "SELECT reason, field, any(message) AS example, count() AS records FROM dead_letters GROUP BY reason, field"),
)
"""What they answer, and the SQL."""

_SHOWN_UNITS = 3


def show(reader: Reader, console: Console) -> None:
    """Print the loyalty numbers."""
    _print(console, "All units", reader.query(TOTAL))
    units = reader.query(UNITS)
    if units.num_rows > 2 * _SHOWN_UNITS:
        units = pa.concat_tables([units.slice(0, _SHOWN_UNITS), units.slice(units.num_rows - _SHOWN_UNITS)])
    if units.num_rows:
        _print(console, "Best and worst units by NPS; excluded is NPS without the flagged responses", units)
    suspects = reader.query(SUSPECTS)
    if suspects.num_rows:
        _print(console, "Units whose scores look gamed, with n of all metrics; NPS raw, without the flagged responses, and at worst", suspects)
    _print(console, "Accounts", reader.query(ACCOUNTS))
    refused = reader.query(REFUSED)
    if refused.num_rows:
        _print(console, "Records that could not be used (table dead_letters)", refused)


def _print(console: Console, title: str, rows: pa.Table) -> None:
    console.print(title, style="bold italic", soft_wrap=True)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for field in rows.schema:
        table.add_column(field.name, justify="left" if pa.types.is_string(field.type) else "right", overflow="fold")
    for row in _cells(rows):
        table.add_row(*row)
    console.print(table)
    console.print()


def _cells(rows: pa.Table) -> Iterator[list[str]]:
    for row in rows.to_pylist():
        yield [_text(value) for value in row.values()]


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) <= 1 else f"{value:,.1f}"
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
