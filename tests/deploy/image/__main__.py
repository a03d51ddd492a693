"""``python -m tests.deploy.image``: builds the image, runs Candor's services of the compose file in it, and sends events through them.

Exit code 1 where something is not as it should be.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import click

from streams.broker import LocalBroker
from streams.broker.ready import free_port
from streams.files import write_events
from streams.simulate import Plan, simulate
from tests.conftest import wait_for
from tests.deploy.image.containers import Containers
from tests.deploy.test_compose_config import PASSWORDS, told
from tests.streams.metrics.test_server import fetch
from tests.web import text_of

_ONCE, _SERVING = ("topics", "migrate"), (("worker-1", "worker"), ("worker-2", "worker"), ("lag", "lag"))
_EVENTS = 3_000
_NUMBERS = """
SELECT (SELECT sum(n) FROM loyalty_daily), (SELECT sum(revenue) FROM accounts), (SELECT count() FROM accounts), (SELECT count() FROM dead_letters),
    (SELECT count() FROM invitations), (SELECT count() FROM cases), (SELECT count() FROM communications)
"""
_READY_SECONDS, _STOP_SECONDS = 120, 60


@contextmanager
def _clickhouse(folder: Path) -> Iterator[str]:
    """The address of an engine whose users have the passwords of the compose file."""
    port, log = free_port(), folder / "clickhouse.log"
    environment = {
        **os.environ,
        "CANDOR_CLICKHOUSE_SERVER_PASSWORD": PASSWORDS["CLICKHOUSE_PASSWORD"],
        "CANDOR_CLICKHOUSE_SERVER_READER_PASSWORD": PASSWORDS["CLICKHOUSE_READER_PASSWORD"],
    }
    command = [sys.executable, "-m", "streams.commands", "clickhouse", "--path", str(folder / "data"), "--port", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as engine:
        try:
            wait_for(lambda: text_of(f"http://127.0.0.1:{port}/ping") is not None, 60, log.read_text)
            yield f"127.0.0.1:{port}"
        finally:
            engine.terminate()


def _is_ready(port: int) -> bool:
    try:
        return fetch(port, "/ready")[0] == 200
    except OSError:
        return False


def _as_it_should(services: Mapping[str, Any], containers: Containers, name: str) -> None:
    """A container that serves is well by its own health check, and is confined."""
    service = services[dict(_SERVING)[name]]
    health = containers.inside(name, *service["healthcheck"]["test"][1:])
    assert health.returncode == 0, health.stderr
    assert containers.inside(name, "id", "-u").stdout.strip() == "10001"
    assert "Read-only" in containers.inside(name, "touch", "/opt/candor/file").stderr
    rights = containers.inside(name, "grep", "-E", "^(CapPrm|CapEff|CapBnd|NoNewPrivs)", "/proc/1/status").stdout.split()
    # The bounding set is what it could ever get: of the others whoever is not root has none in any case.
    assert rights == ["CapPrm:", "0" * 16, "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1"], rights


def main() -> None:
    """Build, run, send, count, stop."""
    containers = Containers()
    click.echo(f"building with {containers.command[0]}")
    containers.build()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="candor-image-")))
        company, catalog = simulate(Plan(events=_EVENTS, units=4, accounts=200, months=2)), folder / "catalog.yaml"
        catalog.write_text(company.catalog(), encoding="utf-8")
        # Whoever runs a container may be nobody to this machine.
        folder.chmod(0o755)
        write_events(folder / "events.ndjson", company.records())
        services = told(folder, CATALOG_FILE=str(catalog), **PASSWORDS)["services"]
        broker = stack.enter_context(LocalBroker(folder / "kafka"))
        address = stack.enter_context(_clickhouse(folder))
        settings = {
            "CANDOR_KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap_servers,
            "CANDOR_CLICKHOUSE_URL": f"http://default@{address}/candor",
            "CANDOR_METRICS_HOST": "127.0.0.1",
        }
        for name in _ONCE:
            stack.callback(containers.remove, name)
            log = folder / f"{name}.log"
            # The engine beside keeps no users of its own, so that none can be made for Grafana.
            service = services[name] if name == "topics" else {**services[name], "command": ["migrate"]}
            ended = containers.start(name, service, settings, log).wait(_READY_SECONDS)
            assert ended == 0, log.read_text()
            click.echo(f"{name}: ended well")
        ports = {name: free_port() for name, _ in _SERVING}
        for name, service in _SERVING:
            stack.callback(containers.remove, name)
            containers.start(name, services[service], {**settings, "CANDOR_METRICS_PORT": str(ports[name])}, folder / f"{name}.log")
        for name, port in ports.items():
            wait_for(lambda port=port: _is_ready(port), _READY_SECONDS, (folder / f"{name}.log").read_text)  # type: ignore[misc]
            _as_it_should(services, containers, name)
            click.echo(f"{name}: ready, without rights, on a file system that it cannot write to")
        _send(folder, settings)
        for name in ports:
            containers.stop(name, _STOP_SECONDS)
            assert containers.state(name) == "0 false", (folder / f"{name}.log").read_text()
            click.echo(f"{name}: stopped well")


def _send(folder: Path, settings: Mapping[str, str]) -> None:
    """Send events of a simulated company, and wait until ClickHouse says of them what a replay in one process says."""
    events = folder / "events.ndjson"
    of_containers = {**settings, "CANDOR_CLICKHOUSE_PASSWORD": PASSWORDS["CLICKHOUSE_PASSWORD"]}
    alone = {"CANDOR_CLICKHOUSE_URL": f"chdb://{folder}/alone?database=candor", "CANDOR_CATALOG": str(folder / "catalog.yaml")}
    _candor(alone, "replay", str(events))
    wanted = _candor(alone, "query", _NUMBERS)
    _candor(of_containers, "produce", str(events))
    wait_for(
        lambda: _candor(of_containers, "query", _NUMBERS) == wanted, 120, lambda: f"{wanted}instead of\n{_candor(of_containers, 'query', _NUMBERS)}"
    )
    click.echo(f"{_EVENTS:,} events: the numbers are those of a replay")


def _candor(settings: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "streams.commands", *arguments], env={**os.environ, **settings}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


if __name__ == "__main__":
    main()
