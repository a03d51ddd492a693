"""What Grafana and its ClickHouse plugin make of SQL before ClickHouse sees it: macros and variables filled in as they do (plugin 4.x)."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

ALL: Sequence[str] | None = None
"""The reader has chosen all values."""


def expand(sql: str, since: date, until: date, chosen: Mapping[str, Sequence[str] | None]) -> str:
    """The SQL that is run; fails where something is left that nobody would fill in."""
    sql = _conditional_all(sql, chosen)
    for name, values in chosen.items():
        quoted = ",".join("'" + value.replace("'", "\\'") + "'" for value in values or ())
        sql = sql.replace(f"${{{name}:singlequote}}", quoted)
    sql = re.sub(
        r"\$__dateFilter\(([^()]+)\)", lambda found: f"{found[1]} >= toDate('{since}') AND {found[1]} <= toDate('{until}')", sql,
    )  # fmt: skip
    assert "$" not in sql, sql
    return sql


def _conditional_all(sql: str, chosen: Mapping[str, Sequence[str] | None]) -> str:
    """The plugin works from the last one to the first, and knows the variable by what stands behind the dollar sign of the second argument."""
    macro = "$__conditionalAll("
    while (at := sql.rfind(macro)) >= 0:
        start, end = at + len(macro), _closing(sql, at + len(macro))
        condition, _, variable = sql[start:end].rpartition(",")
        found = re.fullmatch(r"\s*\$(\w+)\s*", variable)
        assert found, variable
        sql = sql[:at] + ("1=1" if chosen[found[1]] is ALL else condition) + sql[end + 1 :]
    return sql


def _closing(sql: str, at: int) -> int:
    """Where the bracket ends that was opened before ``at``."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        at += 1
    return at - 1
