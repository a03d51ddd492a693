"""``candor clickhouse``: an engine behind HTTP, protected and ended as told."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sinks.base import SinkRefused
from sinks.clickhouse import connect
from streams.broker.ready import free_port
from tests.conftest import wait_for
from tests.streams.commands.conftest import Run


def test_it_serves_keeps_its_data_and_ends_on_sigterm(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "streams.commands", "clickhouse", "--path", str(tmp_path / "data"), "--port", str(port)]
    passwords = {"CANDOR_CLICKHOUSE_SERVER_PASSWORD": "sesame", "CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD": "look"}

    for found in ("[]", "[1]"):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **passwords}) as server:
            assert server.stdout is not None
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            owner = connect(f"http://default:sesame@127.0.0.1:{port}/default")
            owner.command("CREATE TABLE IF NOT EXISTS t (n Int64) ENGINE = MergeTree ORDER BY n")
            assert owner.command("SELECT toString(groupArray(n)) FROM t") == found
            owner.command("INSERT INTO t VALUES (1)")
            owner.close()
            reader = connect(f"http://reader:look@127.0.0.1:{port}/default")
            with pytest.raises(SinkRefused):
                reader.command("INSERT INTO t VALUES (2)")
            reader.close()
            nobody = connect(f"http://default:wrong@127.0.0.1:{port}/default")
            with pytest.raises(SinkRefused, match="Authentication"):
                nobody.command("SELECT 1")
            nobody.close()
            server.send_signal(signal.SIGTERM)
            wait_for(lambda server=server: server.poll() is not None, 30)  # type: ignore[misc]  # bound at once
            assert server.returncode == 0


def test_a_port_that_is_taken_ends_with_3(candor: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        result = candor("clickhouse", "--path", str(tmp_path / "data"), "--port", str(taken.getsockname()[1]))

    assert result.exit_code == 3
    assert "cannot serve" in result.stderr


def test_a_folder_that_is_open_elsewhere_ends_with_3(candor: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    command = [sys.executable, "-m", "streams.commands", "clickhouse", "--path", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "answers" in server.stdout.readline()

        monkeypatch.setenv("CANDOR_CLICKHOUSE_URL", f"chdb://{folder}?database=candor")
        results = [candor("clickhouse", "--path", str(folder), "--port", "0"), candor("query", "SELECT 1"), candor("report")]

        server.terminate()
    for result in results:
        assert result.exit_code == 3
        assert result.stderr.count("\n") == 1
        assert f"{folder} is open in process {server.pid}" in result.stderr
