"""Queries with the rights and limits of the reader's role, and no others, in a chDB of a process of its own.

chDB keeps no users but its own, ``default``, and makes none; but it takes this one from a file. So the GRANT and REVOKE statements of the role stand
in that file as they are, and its settings profile as the same settings and limits. What it cannot show: that a server makes the user and checks its
password.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinks.access import ROLE, role
from sinks.migrate import SINGLE_NODE

_SETTING = re.compile(r"(\w+) = (\d+)(?: MIN (\d+))?(?: MAX (\d+))?")


@dataclass(frozen=True, slots=True)
class Answer:
    """Names and types of the columns, and the rows; or why not."""

    columns: dict[str, str]
    rows: list[dict[str, Any]]
    refused: str = ""


def users_file(database: str) -> str:
    """A users.xml in which ``default`` is the reader."""
    grants, settings, limits = [], [], []
    for statement in role(SINGLE_NODE, database):
        if statement.startswith(("GRANT", "REVOKE")):
            text, count = re.subn(rf" (?:TO|FROM) {ROLE}$", "", statement)
            assert count == 1, statement
            grants.append(f"<query>{text}</query>")
        elif "SETTINGS PROFILE" in statement:
            for name, value, least, most in _SETTING.findall(statement):
                settings.append(f"<{name}>{value}</{name}>")
                limits.append(f"<{name}>" + (f"<min>{least}</min>" if least else "") + (f"<max>{most}</max>" if most else "") + f"</{name}>")
    user = f"<password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota><grants>{''.join(grants)}</grants>"
    profile = f"{''.join(settings)}<constraints>{''.join(limits)}</constraints>"
    users, profiles = f"<users><default>{user}</default></users>", f"<profiles><default>{profile}</default></profiles>"
    return f"<clickhouse>{users}{profiles}<quotas><default/></quotas></clickhouse>"


def ask_as_reader(folder: Path, database: str, queries: Sequence[str], scratch: Path) -> list[Answer]:
    """What the reader is answered; nobody else may have the folder open."""
    return ask(folder, database, queries, scratch, users_file(database))


def ask(folder: Path, database: str, queries: Sequence[str], scratch: Path, users_xml: str) -> list[Answer]:
    """What ``default`` is answered by an engine with these users; nobody else may have the folder open."""
    users, config = scratch / "users.xml", scratch / "config.xml"
    users.write_text(users_xml, encoding="utf-8")
    config.write_text(f"<clickhouse><users_config>{users}</users_config></clickhouse>", encoding="utf-8")
    command = [sys.executable, "-m", "tests.sinks.reader_session", str(folder), database, str(config)]
    done = subprocess.run(command, input=json.dumps(list(queries)), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return [Answer(**answer) for answer in json.loads(done.stdout)]


def _answers(folder: str, database: str, config: str, queries: Sequence[str]) -> Iterator[dict[str, Any]]:
    from chdb.session import Session  # noqa: PLC0415 (for the process of its own alone)

    session: Any = Session(f"{folder}?config-file={config}")  # type: ignore[no-untyped-call]
    session.query(f"USE {database}")
    for query in queries:
        try:
            text = str(session.query(query, "JSON"))
        except RuntimeError as error:
            yield {"columns": {}, "rows": [], "refused": str(error)}
        else:
            found = json.loads(text) if text else {"meta": [], "data": []}
            yield {"columns": {one["name"]: one["type"] for one in found["meta"]}, "rows": found["data"]}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(list(_answers(sys.argv[1], sys.argv[2], sys.argv[3], json.load(sys.stdin)))))
