"""What the reader may do and may not, asked of the engine."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.access import ROLE, is_somebody_else, role, user
from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from sinks.migrate import SINGLE_NODE, Topology, load
from tests.sinks.reader_session import Answer, ask, ask_as_reader

ALLOWED = (
    "SELECT count() AS n FROM loyalty_total",
    "SELECT count() AS n FROM findings",
    "SELECT count() AS n FROM candor_copies.loyalty_total",
    "SELECT count() AS n FROM candor_copies.fact_responses",
    "SELECT count() AS n FROM fact_responses",
    "SELECT count() AS n FROM system.tables WHERE database = 'candor' AND name = 'loyalty_daily'",
    # What drivers of BI tools set for themselves.
    "SELECT 1 AS n SETTINGS max_execution_time = 65, output_format_json_quote_64bit_integers = 1, max_block_size = 1000",
    "SELECT 1 AS n SETTINGS max_memory_usage = 1000000",
)
REFUSED = (
    ("SELECT value FROM dead_letters", "ACCESS_DENIED"),
    ("SELECT value FROM fact_dead_letters", "ACCESS_DENIED"),
    ("INSERT INTO candor_copies.copied (name) SELECT 'mine'", "ACCESS_DENIED"),
    ("DROP TABLE candor_copies.loyalty_total", "ACCESS_DENIED"),
    ("SELECT * FROM system.users", "ACCESS_DENIED"),
    ("SELECT * FROM other.surveys", "ACCESS_DENIED"),
    ("SELECT * FROM file('/etc/hostname', 'LineAsString')", "ACCESS_DENIED"),
    ("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "ACCESS_DENIED"),
    ("INSERT INTO surveys (survey_id) SELECT 'mine'", "ACCESS_DENIED"),
    ("TRUNCATE TABLE fact_responses", "ACCESS_DENIED"),
    ("DROP TABLE fact_responses", "ACCESS_DENIED"),
    ("CREATE TABLE mine (a Int8) ENGINE = Memory", "ACCESS_DENIED"),
    ("SET readonly = 0", "READONLY"),
    ("SELECT 1 SETTINGS max_execution_time = 121", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT 1 SETTINGS max_execution_time = 0", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT 1 SETTINGS max_memory_usage = 2000000001", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT 1 SETTINGS max_memory_usage = 0", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT 1 SETTINGS max_memory_usage_for_user = 0", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT 1 SETTINGS max_concurrent_queries_for_user = 0", "SETTING_CONSTRAINT_VIOLATION"),
    ("SELECT count() FROM (SELECT DISTINCT number FROM numbers(200000000)) SETTINGS max_memory_usage = 10000000", "MEMORY_LIMIT_EXCEEDED"),
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What the reader is answered to all of these, in a migrated database beside another one."""
    folder = tmp_path_factory.mktemp("reader")
    for database, commands in (("candor", ("migrate", "materialize")), ("other", ("migrate",))):
        # In a process of its own: this one may have another folder open.
        address = {"CANDOR_CLICKHOUSE_URL": f"chdb://{folder}/data?database={database}", "CANDOR_ENV_FILE": str(folder / "none")}
        for command in commands:
            subprocess.run(
                [sys.executable, "-m", "streams.commands", command], env={**os.environ, **address}, check=True, capture_output=True, timeout=120
            )
    queries = [*ALLOWED, *(query for query, _ in REFUSED)]
    return dict(zip(queries, ask_as_reader(folder / "data", "candor", queries, folder), strict=True))


@pytest.mark.parametrize("query", ALLOWED)
def test_a_reader_reads_and_sets_what_tools_set(answers: dict[str, Answer], query: str) -> None:
    assert answers[query].refused == ""
    assert len(answers[query].rows) == 1


@pytest.mark.parametrize(("query", "why"), REFUSED)
def test_a_reader_changes_nothing_sees_no_refused_record_and_keeps_to_limits(answers: dict[str, Answer], query: str, why: str) -> None:
    assert why in answers[query].refused


@pytest.mark.parametrize("topology", [SINGLE_NODE, Topology("main", replicated=True, sharded=True)], ids=["single", "cluster"])
def test_every_statement_can_be_parsed_and_reaches_all_nodes(embedded: ClickHouse, topology: Topology) -> None:
    statements = [*role(topology, "candor"), *user(topology, "bi", "it's a \\ secret")]

    for statement in statements:
        assert embedded.query("SELECT formatQuery({sql:String}) AS sql", {"sql": statement}).num_rows == 1
        assert (" ON CLUSTER 'main'" in statement) == bool(topology.cluster)


def test_somebody_else_of_that_name_is_known_by_the_missing_role(tmp_path: Path) -> None:
    def of(name: str, *grants: str) -> str:
        granted = "".join(f"<query>{grant}</query>" for grant in grants)
        return f"<{name}><password/><profile>default</profile><quota>default</quota><grants>{granted}</grants></{name}>"

    owner = "<default><password/><profile>default</profile><quota>default</quota><access_management>1</access_management></default>"
    users = owner + of("bi", f"GRANT {ROLE}", "GRANT stranger") + of("alice", "GRANT SELECT ON *.*") + of("bob", "GRANT stranger")
    roles = "".join(f"<{name}><grants><query>GRANT SELECT ON system.one</query></grants></{name}>" for name in (ROLE, "stranger"))
    known = f"<users>{users}</users><roles>{roles}</roles><profiles><default/></profiles><quotas><default/></quotas>"
    names = ("bi", "alice", "bob", "default", "nobody")
    queries = [f"{is_somebody_else(SINGLE_NODE, name)} AS it_is" for name in names]

    answers = ask(tmp_path / "data", "system", queries, tmp_path, f"<clickhouse>{known}</clickhouse>")

    assert {name: answer.rows for name, answer in zip(names, answers, strict=True)} == {
        "bi": [{"it_is": 0}],
        "alice": [{"it_is": 1}],
        "bob": [{"it_is": 1}],
        "default": [{"it_is": 1}],
        "nobody": [{"it_is": 0}],
    }


def test_somebody_else_is_looked_for_on_every_node(embedded: ClickHouse) -> None:
    query = is_somebody_else(Topology("main", replicated=True), "bi")

    assert embedded.query("SELECT formatQuery({sql:String}) AS sql", {"sql": query}).num_rows == 1
    assert re.findall(r"FROM (\S+ \S+)\)? ", query) == ["clusterAllReplicas('main', system.users)", "clusterAllReplicas('main', system.role_grants)"]
    with pytest.raises(SinkRefused, match="not a name"):
        is_somebody_else(SINGLE_NODE, "bi' OR '1")


def test_a_user_is_made_with_a_digest_and_no_log_holds_the_password() -> None:
    made = "\n".join(user(SINGLE_NODE, "bi", "hidden"))

    assert "hidden" not in made
    (digest, salt), again = re.findall(r"sha256_hash BY '(\w+)' SALT '(\w+)'", made)
    assert (digest, salt) == again
    assert digest == hashlib.sha256(b"hidden" + salt.encode()).hexdigest()
    assert salt not in "\n".join(user(SINGLE_NODE, "bi", "hidden"))
    with pytest.raises(SinkRefused, match="not a name"):
        list(user(SINGLE_NODE, "bi`; DROP", "hidden"))


@pytest.mark.parametrize("topology", [SINGLE_NODE, Topology("main", replicated=True, sharded=True)], ids=["single", "cluster"])
def test_no_table_of_refused_records_is_left_to_readers(topology: Topology) -> None:
    made = "\n".join(statement for migration in load() for statement in migration.statements(topology, "candor"))
    hidden = set(re.findall(r"CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w*dead_letters\w*)", made))

    revoked = set(re.findall(r"REVOKE.* SELECT ON candor\.(\w+) FROM", "\n".join(role(topology, "candor"))))

    assert {name.removesuffix("_local") for name in hidden} == {"fact_dead_letters", "dead_letters"}
    assert hidden == revoked


def test_the_settings_of_the_role_are_settings(embedded: ClickHouse) -> None:
    """A server refuses to start, and a statement to run, over a setting that it does not know."""
    profile = next(statement for statement in role(SINGLE_NODE, "candor") if "PROFILE" in statement)
    named = {"readonly", "max_execution_time", "max_memory_usage", "max_memory_usage_for_user", "max_result_rows", "max_concurrent_queries_for_user"}

    known = set(embedded.query("SELECT name FROM system.settings").column("name").to_pylist())
    assert named <= known
    assert {name for name in known if f" {name} = " in profile} == named


def test_it_is_the_role_that_refuses(embedded: ClickHouse) -> None:
    """The same engine lets its owner do it."""
    assert embedded.query("SELECT value FROM dead_letters").num_rows == 0
    assert embedded.query("SELECT 1 AS n SETTINGS max_execution_time = 121").num_rows == 1
