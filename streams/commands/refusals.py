"""What a refusal of a query means to whoever typed it, and what to do about it."""

import difflib
import re
from collections.abc import Mapping

from schemas.rows import TABLES
from sinks.base import Reader, SinkError, SinkRefused
from sinks.errorcodes import SYNTAX_ERROR, UNKNOWN_FUNCTION, UNKNOWN_TABLE
from streams.doctor.clickhouse import views
from streams.errors import MAKE_TABLES

_OWN_FORMAT = re.compile(r"\bFORMAT\s+\w+\s*(?:SETTINGS\b[^']*)?\Z", re.IGNORECASE)
_AT_OUR_FORMAT = re.compile(r"failed at position \d+ \((?:FORMAT|Arrow)\) \([^)]*\): (?:FORMAT )?Arrow")
_OUR_FORMAT = re.compile(r"\s*FORMAT Arrow\b")
"""What the client puts behind each query, to read the answer."""
_READ_ON = "FORMAT AS Arrow"
"""What a query that ends in an operator makes of that."""
_EXPECTED = re.compile(r" Expected one of: (?:[^,()]+, ){8,}[^,()]+(?= \()")
"""Lists of all that the grammar allows there, which are of no help."""
_UNKNOWN = re.compile(r"Unknown table (?:expression identifier|function) [`']?(\w+(?:\.\w+)*)|Table [`']?([\w.`]+?)[`']? does(?: not|n't) exist")
_PARAMETER = re.compile(r"\{(\w+):\s*(\w+)[^}]*\}")
_RELATIONS = "SELECT name, as_select FROM system.tables WHERE database = currentDatabase() AND NOT is_temporary ORDER BY name"
_LIST = "SELECT name, comment FROM system.tables WHERE database = currentDatabase() lists tables and views"
_EXAMPLES = {"U": "28", "I": "28", "F": "0.5", "D": "'2026-06-30'"}
"""By the first letter of the type: whole numbers, fractions, dates."""


def explain(reader: Reader, asked: str, error: SinkRefused) -> tuple[str, str]:
    """The message without what the user never typed, and advice; empty where there is none. Asks ClickHouse for its views at most."""
    if error.code == SYNTAX_ERROR:
        return _about_syntax(asked, str(error))
    if _READ_ON in str(error):
        return "the query ends where something must follow", ""
    try:
        relations = {row["name"]: row["as_select"] for row in reader.query(_RELATIONS).to_pylist()}
    except SinkError:
        return str(error), ""
    return str(error), "; ".join(_lacking_arguments(asked, relations)) or _about_name(error, relations)


def _about_syntax(asked: str, message: str) -> tuple[str, str]:
    if own := _OWN_FORMAT.search(asked):
        return f"the query asks for an answer in a format of its own: {own[0]}", "leave FORMAT out, use --json"
    return _EXPECTED.sub("", _OUR_FORMAT.sub("", _AT_OUR_FORMAT.sub("at its end something is missing", message))), ""


def _lacking_arguments(asked: str, relations: Mapping[str, str]) -> list[str]:
    """How to call the views that are named in the query without all of their arguments."""
    told = []
    for name, select in relations.items():
        wanted = {parameter: _EXAMPLES.get(kind[0], "'...'") for parameter, kind in _PARAMETER.findall(select)}
        for found in re.finditer(rf"\b{name}\b`?\s*(\([^)]*\))?", asked) if wanted else ():
            if set(wanted) - set(re.findall(r"(\w+)\s*=", found[1] or "")):
                # Numbers before dates: the longer one is read last.
                listed = ", ".join(f"{parameter} = {value}" for parameter, value in sorted(wanted.items(), key=lambda one: len(one[1])))
                told.append(f"this view takes arguments: SELECT * FROM {name}({listed})")  # noqa: S608 (told, not asked)
                break
    return told


def _about_name(error: SinkRefused, relations: Mapping[str, str]) -> str:
    named = _UNKNOWN.search(str(error))
    if error.code not in (UNKNOWN_FUNCTION, UNKNOWN_TABLE) or named is None:
        return ""
    name = (named[1] or named[2]).replace("`", "").rpartition(".")[2]
    if name in relations:
        return f"{name} takes no arguments: SELECT * FROM {name}"  # noqa: S608 (told, not asked)
    if name in {table.value for table in TABLES} | views():
        return MAKE_TABLES
    if near := difflib.get_close_matches(name, relations, n=1):
        return f"did you mean {near[0]}?"
    if error.code == UNKNOWN_FUNCTION:
        return ""
    return _LIST if relations else MAKE_TABLES
