"""``candor findings``."""

from collections.abc import Sequence
from contextlib import closing

import click

from schemas.enums import Decision, Detector, UnitState
from sinks.clickhouse import ClickHouse
from streams.adjudicating import DecisionRefused, decide, find
from streams.commands.groups import Group
from streams.commands.narrowing import about_commas
from streams.commands.output import print_json, print_table, say
from streams.commands.reading import connect_to_read
from streams.errors import ConfigurationError
from streams.settings import Settings, load_settings

_OF_ALL_METRICS = {"n": "n, of all metrics", "flagged": "flagged, of all metrics"}
_LISTED = ("finding_id", "state", "decision", "since", "raised_at", "responses", "evidence")


def _clickhouse(settings: Settings | None = None) -> closing[ClickHouse]:
    return closing(connect_to_read(settings or load_settings()))


def _judged(clickhouse: ClickHouse, units: Sequence[str]) -> list[str]:
    """Returns those of the units that were ever judged."""
    asked = {"units": list(units)}
    found: list[str] = clickhouse.query("SELECT unit_id FROM integrity_units WHERE unit_id IN {units:Array(String)}", asked).column(0).to_pylist()
    return found


def _of_unit(clickhouse: ClickHouse, finding: dict[str, object]) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Returns the state and scores of a finding's unit, and the responses there that carry the sign."""
    units = clickhouse.query(
        "SELECT state, families, since, n, flagged, nps_n, nps_raw, nps_excluded, nps_bound_low FROM integrity_units"
        " LEFT JOIN (SELECT unit_id, toNullable(n) AS nps_n FROM loyalty_by_unit WHERE period = 'all' AND metric = 'nps') AS of_nps USING unit_id"
        " WHERE unit_id = {unit_id:String}",
        {"unit_id": finding["unit_id"]},
    ).to_pylist()
    responses = clickhouse.query(
        "SELECT day, account_id, response_id, channel, metric, score, flagged, flag_reasons FROM responses "
        "WHERE unit_id = {unit_id:String} AND response_id IN "
        "(SELECT arrayJoin(response_ids) FROM findings WHERE finding_id = {finding_id:String}) ORDER BY occurred_at, response_id",
        {"unit_id": finding["unit_id"], "finding_id": finding["finding_id"]},
    ).to_pylist()
    return units[0] if units else {}, responses


@click.group("findings", cls=Group)
def command() -> None:
    """Find, show and decide about what the detectors found; see also the views findings, integrity_units and false_discoveries."""


@command.command("list")
@click.option("--unit", "units", multiple=True, help="Only of this unit; may be given several times.")
@click.option("--state", type=click.Choice([state.value for state in UnitState]), help="Only these; clear: those that were dismissed.")
@click.option("--undecided", is_flag=True, help="Only those that nobody has decided about.")
@click.option("--detector", type=click.Choice([detector.value for detector in Detector]), help="Only of this detector.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Most rows.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(*, units: tuple[str, ...], state: str | None, undecided: bool, detector: str | None, limit: int, as_json: bool) -> None:
    """List findings, the newest first."""
    asked = {name: value for name, value in (("state", state), ("detector", detector)) if value is not None}
    of_units = ["unit_id IN {units:Array(String)}"] if units else []
    where = " AND ".join([*(f"{name} = {{{name}:String}}" for name in asked), *of_units, "decision IS NULL" if undecided else "true"])
    with _clickhouse() as clickhouse:
        rows = clickhouse.query(
            "SELECT finding_id, state, decision, since, raised_at, length(response_ids) AS responses, evidence FROM findings "  # noqa: S608 (declared names)
            f"WHERE {where} ORDER BY raised_at DESC, finding_id LIMIT {{limit:UInt64}}",
            {**asked, "units": list(units), "limit": limit},
        ).to_pylist()
        judged = [] if rows else _judged(clickhouse, units)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(_LISTED, ([row[name] for name in _LISTED] for row in rows))
    else:
        unknown = ", ".join(unit for unit in units if unit not in judged)
        say("\n  ".join(filter(None, ("no findings", unknown and f"--unit: never judged: {unknown}", about_commas("--unit", units)))))


@command.command("show")
@click.argument("finding_id")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(finding_id: str, as_json: bool) -> None:
    """Show one finding, its unit and its responses.

    FINDING_ID is as list prints it. Of the unit its state and its scores are shown; responses are those that carry the sign.
    """
    with _clickhouse() as clickhouse:
        finding = find(clickhouse, finding_id)
        unit, responses = _of_unit(clickhouse, finding) if finding["unit_id"] is not None else ({}, [])
    if as_json:
        print_json({"finding": finding, "unit": unit, "responses": responses})
        return
    told = {name: value for name, value in finding.items() if name != "response_ids"}
    print_table(("finding", ""), told.items())
    if unit:
        print_table((f"unit {finding['unit_id']}", ""), ((_OF_ALL_METRICS.get(name, name), value) for name, value in unit.items()))
    if responses:
        print_table(tuple(responses[0]), (list(row.values()) for row in responses))
    else:
        say("the detector looks at numbers alone: no single response carries its sign")


@command.command("adjudicate")
@click.argument("finding_id")
@click.option("--decision", type=click.Choice([decision.value for decision in Decision]), required=True, help="confirmed: gaming; dismissed: none.")
@click.option("--reason", required=True, help="Why, for those who read it later.")
@click.option("--by", "decided_by", required=True, help="Who decides.")
@click.option("--json", "as_json", is_flag=True, help="Print the event that was sent as JSON.")
def adjudicate(*, finding_id: str, decision: str, reason: str, decided_by: str, as_json: bool) -> None:
    """Decide about a finding. FINDING_ID is as list prints it; a later decision replaces an earlier one, and both are kept.

    Workers take it in within seconds. Flags of a dismissed finding fall, in the whole history, and its detector learns anew what is usual; answers
    that carry the sign of a confirmed one are flagged, whatever their score.
    """
    settings = load_settings()
    with _clickhouse(settings) as clickhouse:
        try:
            adjudication = decide(settings, clickhouse, finding_id, decision=decision, reason=reason, decided_by=decided_by)
        except DecisionRefused as error:
            option = {"decided_by": "--by", "reason": "--reason"}.get(error.field, error.field)
            raise ConfigurationError(f"{option}: {error.problem}") from None
    say(f"{finding_id}: {decision} by {decided_by}")
    if as_json:
        print_json(adjudication.model_dump(mode="json"))
