"""The broker that is given, else a container, else jars; where there is nothing, what would help."""

import stat
from pathlib import Path

import pytest

from streams.broker import LocalBroker, kafka_jars, start_broker
from streams.broker.container import docker_answers
from streams.broker.jars import java
from streams.errors import BrokerUnavailable


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH; nothing is installed from it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("CANDOR_KAFKA_LIBS", raising=False)
    return folder


def _tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _no_words(_: str) -> None:
    """Nobody listens."""


def test_a_given_broker_is_taken(tmp_path: Path, broker: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", broker.bootstrap_servers)
    said: list[str] = []

    with start_broker(tmp_path, said.append) as chosen:
        assert chosen.bootstrap_servers == broker.bootstrap_servers

    assert broker.running
    assert said == [f"Kafka at {broker.bootstrap_servers}, as CANDOR_KAFKA_BOOTSTRAP_SERVERS says"]


def test_a_docker_that_cannot_run_it_is_followed_by_java(tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _tool(tools, "docker", """if [ "$1" = info ]; then exit 0; fi; echo 'pull access denied' >&2; exit 125""")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    said: list[str] = []

    with (
        pytest.raises(BrokerUnavailable, match=r"Docker cannot run it \(docker run: pull access denied\).*there is no Java"),
        start_broker(tmp_path, said.append),
    ):
        pass

    assert said == ["Kafka in a container", "Docker cannot run it (docker run: pull access denied); trying Java"]


def test_a_docker_that_does_not_answer_is_none(tools: Path) -> None:
    _tool(tools, "docker", "exit 1")

    assert not docker_answers()


def test_jars_come_third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.delenv("CANDOR_KAFKA_BOOTSTRAP_SERVERS", raising=False)

    with start_broker(tmp_path, _no_words) as chosen:
        assert isinstance(chosen, LocalBroker)
        assert chosen.running


@pytest.mark.usefixtures("tools")
def test_where_there_is_nothing_it_says_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable) as raised, start_broker(tmp_path, _no_words):
        pass

    assert all(word in str(raised.value) for word in ("CANDOR_KAFKA_BOOTSTRAP_SERVERS", "Docker", "Java 17", "Maven"))


def test_java_that_is_too_old_is_none(tools: Path) -> None:
    _tool(tools, "java", """echo 'openjdk version "11.0.2" 2019-01-15' >&2""")

    with pytest.raises(BrokerUnavailable, match="version 11"):
        java()


def test_maven_fills_the_cache_once(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _tool(
        tools,
        "mvn",
        f"""echo called >> {tmp_path}/calls; for last; do :; done; /bin/mkdir -p "${{last#*=}}"; : > "${{last#*=}}/kafka_2.13-4.1.1.jar" """,
    )

    libs = kafka_jars()

    assert [path.name for path in libs.iterdir()] == ["kafka_2.13-4.1.1.jar"]
    assert kafka_jars() == libs
    assert (tmp_path / "calls").read_text() == "called\n"


def test_a_maven_that_fails_says_why_and_leaves_nothing(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _tool(tools, "mvn", "echo no network; exit 1")

    with pytest.raises(BrokerUnavailable, match="no network"):
        kafka_jars()

    assert list((tmp_path / "cache" / "candor").iterdir()) == []


def test_a_folder_of_jars_that_has_none_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_KAFKA_LIBS", str(tmp_path))

    with pytest.raises(BrokerUnavailable, match="CANDOR_KAFKA_LIBS"):
        kafka_jars()
