"""``candor findings``."""

from contextlib import closing

import click

from schemas.enums import Detector, UnitState
from sinks.clickhouse import ClickHouse, connect
from streams.commands.output import print_json, print_table, say
from streams.errors import ProblemFound
from streams.settings import load_settings

_LISTED = ("finding_id", "state", "since", "raised_at", "responses", "evidence")


def _clickhouse() -> closing[ClickHouse]:
    return closing(connect(load_settings().clickhouse_url.get_secret_value()))


@click.group("findings")
def command() -> None:
    """Find and show what the detectors found, with the evidence; see also the views findings and integrity_units."""


@command.command("list")
@click.option("--unit", "unit_id", help="Only of this unit.")
@click.option("--state", type=click.Choice([UnitState.INVESTIGATE.value, UnitState.SUSPECT.value]), help="Only these.")
@click.option("--detector", type=click.Choice([detector.value for detector in Detector]), help="Only of this detector.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(unit_id: str | None, state: str | None, detector: str | None, limit: int, as_json: bool) -> None:
    """List findings, the newest first."""
    asked = {name: value for name, value in (("unit_id", unit_id), ("state", state), ("detector", detector)) if value is not None}
    where = " AND ".join(f"{name} = {{{name}:String}}" for name in asked) or "true"
    with _clickhouse() as clickhouse:
        rows = clickhouse.query(
            "SELECT finding_id, state, since, raised_at, length(response_ids) AS responses, evidence FROM findings "  # noqa: S608 (declared names)
            f"WHERE {where} ORDER BY raised_at DESC, finding_id LIMIT {{limit:UInt64}}",
            {**asked, "limit": limit},
        ).to_pylist()
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_LISTED, ([row[name] for name in _LISTED] for row in rows))
    else:
        say("no findings")


@command.command("show")
@click.argument("finding_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(finding_id: str, as_json: bool) -> None:
    """Show one finding, the state and the scores of its unit, and the responses that carry the sign. FINDING_ID is as list prints it."""
    with _clickhouse() as clickhouse:
        found = clickhouse.query("SELECT * FROM findings WHERE finding_id = {finding_id:String}", {"finding_id": finding_id}).to_pylist()
        if not found:
            raise ProblemFound(f"there is no finding {finding_id}; `candor findings list` lists them")
        finding = found[0]
        units = clickhouse.query(
            "SELECT state, families, since, n, flagged, nps_raw, nps_excluded, nps_bound_low FROM integrity_units WHERE unit_id = {unit_id:String}",
            {"unit_id": finding["unit_id"]},
        ).to_pylist()
        responses = clickhouse.query(
            "SELECT day, account_id, response_id, channel, metric, score, flagged, flag_reasons FROM responses "
            "WHERE unit_id = {unit_id:String} AND response_id IN "
            "(SELECT arrayJoin(response_ids) FROM findings WHERE finding_id = {finding_id:String}) ORDER BY occurred_at, response_id",
            {"unit_id": finding["unit_id"], "finding_id": finding_id},
        ).to_pylist()
    unit = units[0] if units else {}
    if as_json:
        print_json({"finding": finding, "unit": unit, "responses": responses})
        return
    told = {name: value for name, value in finding.items() if name != "response_ids"}
    print_table(("finding", ""), told.items())
    print_table((f"unit {finding['unit_id']}", ""), unit.items())
    if responses:
        print_table(tuple(responses[0]), (row.values() for row in responses))
    else:
        say("the detector looks at numbers alone: no single response carries its sign")
