"""Findings that a healthy broker and engine cannot be made to give: missing permissions, old versions, clocks apart."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any, cast

import pytest
from kafka import KafkaAdminClient

from sinks.base import SinkRefused
from sinks.clickhouse import ClickHouse
from streams.doctor import Finding, State, clickhouse, kafka, local
from streams.settings import Settings, load_settings
from streams.topics_admin import ExistingTopic, WantedTopic, wanted_topics

ALL_PERMITTED = frozenset({"READ", "WRITE", "DESCRIBE"})


def _wanted(name: str) -> WantedTopic:
    return next(topic for topic in wanted_topics(load_settings()) if topic.name == f"candor.{name}")


def _as_wanted(wanted: WantedTopic, permitted: frozenset[str] = ALL_PERMITTED) -> ExistingTopic:
    return ExistingTopic(wanted.name, wanted.partitions, wanted.replication_factor, wanted.configuration, permitted)


@pytest.mark.parametrize(
    ("name", "permitted", "missing"),
    [
        ("feedback", {"DESCRIBE"}, "READ"),
        ("checkpoint.accounts", {"READ", "DESCRIBE"}, "WRITE"),
        ("dead_letters", {"DESCRIBE"}, "WRITE"),
        ("dead_letters", {"READ", "WRITE"}, "DESCRIBE"),
    ],
)
def test_a_permission_that_workers_need_and_lack_is_a_problem(name: str, permitted: set[str], missing: str) -> None:
    wanted = _wanted(name)

    (finding,) = kafka._check_topic(wanted, _as_wanted(wanted, frozenset(permitted)))

    assert (finding.state, finding.found) == (State.PROBLEM, f"not permitted: {missing}")
    assert [found.state for found in kafka._check_topic(wanted, _as_wanted(wanted))] == [State.OK]


def test_a_checkpoint_that_is_not_compacted_is_a_problem_and_other_retention_a_warning() -> None:
    wanted = _wanted("checkpoint.accounts")
    existing = _as_wanted(wanted)

    def changed(key: str, value: str) -> list[State]:
        return [finding.state for finding in kafka._check_topic(wanted, replace(existing, configuration={**existing.configuration, key: value}))]

    assert changed("cleanup.policy", "delete") == [State.PROBLEM]
    assert changed("segment.ms", "1") == [State.WARNING]


class _Cluster:
    """What an admin client says of a cluster."""

    def __init__(self, brokers: int, version: tuple[int, ...]) -> None:
        self._brokers = brokers
        self.broker_version = version

    def describe_cluster(self) -> Mapping[str, Any]:
        return {"cluster_id": "c", "brokers": [{"broker_id": number} for number in range(self._brokers)]}

    def get_broker_version_data(self, _broker: int) -> "_Cluster":
        return self


def _cluster(brokers: int, version: tuple[int, ...], settings: Settings) -> dict[str, State]:
    client = cast("KafkaAdminClient", _Cluster(brokers, version))
    return {finding.what: finding.state for finding in kafka._check_cluster(client, settings)}


def test_an_old_kafka_is_a_problem_and_one_replica_of_many_brokers_a_warning() -> None:
    settings = load_settings()

    assert _cluster(1, (4, 1), settings) == {"reachable": State.OK, "version": State.OK}
    assert _cluster(1, (2, 4), settings) == {"reachable": State.OK, "version": State.PROBLEM}
    assert _cluster(3, (4, 1), settings) == {"reachable": State.OK, "version": State.OK, "replication": State.WARNING}
    assert _cluster(3, (4, 1), load_settings(replication_factor=3)) == {"reachable": State.OK, "version": State.OK}


class _Engine:
    """A ClickHouse that answers as told and refuses statements that begin with a word."""

    address = type("Address", (), {"database": "candor"})

    def __init__(self, answer: Callable[[], str] = str, refuses: str = "") -> None:
        self._answer = answer
        self._refuses = refuses

    def ping(self) -> str:
        return self._answer()

    def command(self, sql: str) -> str:
        return self._do(sql)

    def query(self, sql: str) -> str:
        return self._do(sql)

    def insert_into(self, _table: str, _rows: object) -> None:
        self._do("INSERT")

    def _do(self, sql: str) -> str:
        if self._refuses and sql.startswith(self._refuses):
            raise SinkRefused("Not enough privileges", 497)
        return self._answer()


def _engine(check: Callable[[ClickHouse], Any], engine: _Engine) -> list[Finding]:
    return list(check(cast("ClickHouse", engine)))


@pytest.mark.parametrize("right", ["CREATE", "INSERT", "SELECT", "DROP"])
def test_a_right_that_is_missing_is_named_with_the_grant_that_helps(right: str) -> None:
    (finding,) = _engine(clickhouse._check_permissions, _Engine(refuses=right))

    assert (finding.what, finding.state) == (f"permission to {right.lower()}", State.PROBLEM)
    assert f"grant {right} on candor.*" in finding.advice


def test_clocks_apart_are_a_warning() -> None:
    (finding,) = _engine(clickhouse._check_clock, _Engine(lambda: "1000.5"))

    assert (finding.what, finding.state) == ("clock", State.WARNING)


def test_an_old_clickhouse_is_a_problem() -> None:
    assert [finding.state for finding in _engine(clickhouse._check_server, _Engine(lambda: "23.8.1.1"))] == [State.OK, State.PROBLEM]


def test_a_library_that_is_missing_or_another_version_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "aiokafka":
            raise metadata.PackageNotFoundError(name)
        return "0.16.0" if name == "faust-streaming" else real(name)

    monkeypatch.setattr(local, "version", version)

    found = {finding.what: (finding.state, finding.found) for finding in local.check_versions()}
    assert found["aiokafka"] == (State.PROBLEM, "not installed")
    assert found["faust-streaming"] == (State.PROBLEM, "0.16.0")
    assert found["clickhouse-connect"][0] is State.OK
