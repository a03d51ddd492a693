"""Reading a report's numbers from ClickHouse: the edge of the package, and the only place that asks."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from schemas.enums import Metric, UnitState
from sinks.clickhouse import ClickHouse
from sinks.copies import copied_at
from sinks.dictionary import read_relations
from streams.errors import ConfigurationError
from streams.reporting import queries, rows, scores
from streams.reporting.rows import Numbers, Scope
from streams.reporting.steps import Begun, Reading, quietly

DEFAULT_DAYS = 90
_MOST_WEEKLY_DAYS = 210
_MOST_DAYS = 65_535
"""The views' parameter ``days`` is a UInt16."""
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for; empty and None: everything, and the last days up to the newest answer."""

    start: date | None = None
    end: date | None = None
    units: tuple[str, ...] = ()
    peer_groups: tuple[str, ...] = ()
    survey: str | None = None
    metric: Metric | None = None


class ReportSource:
    """The views, as a report asks them. Raises what a ``Reader`` raises."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._clickhouse = clickhouse

    def scope(self, asked: Asked) -> Scope:
        """Days and units that are meant; raises ``ConfigurationError`` where there are no such units, no such survey, or no such days."""
        newest: date | None = self._first(queries.NEWEST_ANSWER)
        end = asked.end or newest or self._first(queries.NEWEST_MOVEMENT) or _EPOCH
        start = asked.start or end - timedelta(days=DEFAULT_DAYS - 1)
        if start > end:
            raise ConfigurationError(f"--from {start} is after --to {end}" + ("" if asked.end else ", the newest day; give --to as well"))
        if (end - start).days >= _MOST_DAYS:
            raise ConfigurationError(f"--from {start} --to {end} is longer than {_MOST_DAYS:,} days")
        units = self._units(asked)
        if asked.survey is not None and not self._rows(queries.SURVEY, {"survey": asked.survey}).column("n")[0].as_py():
            raise ConfigurationError(f"--survey: no answer to a survey {asked.survey} has been received")
        told = (
            *(f"unit {unit}" for unit in asked.units),
            *(f"peer group {group}" for group in asked.peer_groups),
            *(() if asked.survey is None else (f"survey {asked.survey}",)),
        )
        return Scope(start, end, newest, units, told, asked.survey, asked.metric, (end - start).days < _MOST_WEEKLY_DAYS)

    def numbers(self, scope: Scope, begun: Begun = quietly) -> Numbers:
        """Everything that the report is made of. ``begun`` is told of each of ``Reading``, once, in order."""
        begun(Reading.SCORES)
        bucket = queries.WEEK if scope.weekly else queries.MONTH
        groups = [rows.ScoreGroup(**row) for row in self._asked(queries.SCORES.replace("BUCKET", bucket), scope)]
        metric, metrics = scope.metric or scores.metric_of(groups), scores.totals(groups)
        begun(Reading.UNITS)
        judged = [rows.JudgedUnit(**row) for row in self._asked(queries.JUDGED, scope)]
        units = scores.units(groups, judged, metric)
        funnel = [rows.UnitFunnel(**row) for row in self._asked(queries.FUNNEL, scope, metric=metric.value)] if metrics else []
        from_first_day = [rows.FromFirstDay(**row) for row in self._asked(queries.FROM_FIRST_DAY, scope, metric=metric.value)] if metrics else []
        begun(Reading.FINDINGS)
        findings = [rows.Finding(**row) for row in self._asked(queries.FINDINGS, scope)]
        suspects = [unit.unit_id for unit in units if unit.state == UnitState.SUSPECT]
        since = min([scope.start, *(finding.since for finding in findings if finding.of_unit in suspects)])
        weeks = [rows.UnitWeek(**row) for row in self._asked(queries.UNIT_WEEKS, scope, since=since, suspects=suspects)] if suspects else []
        plan_units = {row["plan_id"]: row["units"] for row in self._asked(queries.PLAN_UNITS, scope)}
        begun(Reading.ACCOUNTS)
        accounts = [rows.AccountGroup(**row) for row in self._asked(queries.ACCOUNTS, scope)]
        begun(Reading.CHANCES)
        strata = [rows.Stratum(**row) for row in self._asked(queries.STRATA, scope)]
        begun(Reading.FOLLOW_UP)
        follow_up = [rows.FollowUp(**row) for row in self._asked(queries.FOLLOW_UP, scope)]
        begun(Reading.MESSAGES)
        messages = [rows.MessageMonth(**row) for row in self._asked(queries.MESSAGES, scope)]
        begun(Reading.GROWTH)
        growth = [rows.GrowthMonth(**row) for row in self._asked(queries.GROWTH, scope)]
        begun(Reading.MODELS)
        return Numbers(
            scope=scope,
            currency=str(self._first(queries.CURRENCY)),
            metric=metric,
            loyalty=scores.buckets(groups, metric),
            before=scores.before(groups, metric),
            metrics=metrics,
            units=units,
            judged=len(judged),
            funnel=funnel,
            from_first_day=from_first_day,
            findings=findings,
            plan_units=plan_units,
            unit_weeks=weeks,
            accounts=accounts,
            drivers=[rows.Driver(**row) for row in self._asked(queries.DRIVERS, scope)],
            strata=strata,
            follow_up=follow_up,
            messages=messages,
            growth=growth,
            prediction=[rows.Predictor(**row) for row in self._asked(queries.PREDICTION, scope)],
            scorecards=[rows.Scorecard(**row) for row in self._asked(queries.SCORECARDS, scope)],
            runs=[rows.ModelRun(**row) for row in self._asked(queries.RUNS, scope)],
            comments=self._comments(),
            copied_at=copied_at(self._clickhouse),
        )

    def _comments(self) -> dict[tuple[str, str], str]:
        relations = read_relations(self._clickhouse)
        comments = {(relation.about.name, ""): relation.about.comment for relation in relations}
        return comments | {(relation.about.name, column.name): column.comment for relation in relations for column in relation.columns}

    def _units(self, asked: Asked) -> tuple[str, ...] | None:
        if not asked.units and not asked.peer_groups:
            return None
        catalog = {row["unit_id"]: row["peer_group"] for row in self._rows(queries.CATALOG_UNITS).to_pylist()}
        known = set(catalog) | set(self._rows(queries.RATED_UNITS, {"units": list(asked.units)}).column("unit_id").to_pylist())
        if missing := [unit for unit in asked.units if unit not in known]:
            raise ConfigurationError(f"--unit: neither the catalog nor any answer knows {', '.join(missing)}")
        groups = set(catalog.values())
        if missing := [group for group in asked.peer_groups if group not in groups]:
            raise ConfigurationError(f"--peer-group: no unit of the catalog is in {', '.join(missing)}")
        return tuple(sorted(set(asked.units) | {unit for unit, group in catalog.items() if group in asked.peer_groups}))

    def _first(self, sql: str) -> date | None:
        found = self._rows(sql)
        value: date | None = found.column(0)[0].as_py() if found.num_rows else None
        return value

    def _asked(self, template: str, scope: Scope, **more: object) -> list[dict[str, Any]]:
        """The rows of a query, whose scope is put in by declared conditions; values are bound, never written into the text."""
        units = "true" if scope.units is None else "unit_id IN {units:Array(String)}"
        survey = "true" if scope.survey is None else "survey_id = {survey:String}"
        narrowed = scope.units is not None or scope.survey is not None
        of_scope = queries.OF_SCOPE if narrowed else "true"
        sql = template
        for name, text in (
            ("LOYALTY", "loyalty_daily" if scope.survey is None else queries.LOYALTY_OF_SURVEY),
            ("RATED", queries.RATED if narrowed else "true"),
            ("CASES", of_scope),
            ("DEBTS", of_scope),
            ("SURVEY", survey),
            ("UNITS", units),
        ):
            sql = re.sub(rf"\b{name}\b", text, sql)
        bound = {
            "start": scope.start,
            "end": scope.end,
            "days": scope.days,
            "before": scope.start - timedelta(days=scope.days),
            "units": list(scope.units or ()),
            "survey": scope.survey or "",
            **more,
        }
        rows_found: list[dict[str, Any]] = self._rows(sql, {name: value for name, value in bound.items() if f"{{{name}:" in sql}).to_pylist()
        return rows_found

    def _rows(self, sql: str, parameters: dict[str, object] | None = None) -> pa.Table:
        return self._clickhouse.query(sql, parameters)
