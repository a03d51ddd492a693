"""The compose file: valid by the specification's own schema, confined, pinned, and in step with what it mounts and starts."""

import json
import os
import re
import subprocess
import sys
from importlib.resources import files
from typing import Any

import click
import jsonschema
import pytest
import yaml
from prometheus_client import CollectorRegistry

from schemas.catalog import load_catalog
from streams.commands import cli
from streams.metrics.alerts import PROBE_JOB, WORKER_JOB
from streams.metrics.health import Health
from streams.metrics.server import MetricsServer
from streams.settings import PREFIX, Settings, variable
from tests.deploy.pages import ROOT
from tests.deploy.prometheus import FOLDER
from tests.deploy.test_prometheus import run

TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"] == "candor")
EACH = pytest.mark.parametrize("name", sorted(SERVICES))
WRITABLE = {"kafka"}
"""Services whose root file system can be written to; a comment at each says why."""
WITHOUT_HEALTH = {"topics", "migrate"}
"""They end."""
SECRETS = {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD", "GRAFANA_PASSWORD"}


def _mounts(name: str) -> list[tuple[str, str, str]]:
    """Source, target and mode."""
    found = []
    for volume in SERVICES[name].get("volumes", []):
        resolved = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume)
        source, target, mode = [*resolved.split(":"), "rw"][:3]
        found.append((source, target, mode))
    return found


def test_it_is_valid_by_the_specification() -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)

    validator.validate(COMPOSE)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({"services": {"x": {"image": "y", "healthchek": {}}}})


@EACH
def test_a_service_is_pinned_confined_and_limited(name: str) -> None:
    service = SERVICES[name]

    assert service["image"] == "candor" or re.fullmatch(r"[\w./-]+:v?\d+\.\d+(\.\d+)?", service["image"])
    assert service["cap_drop"] == ["ALL"]
    assert set(service.get("cap_add", [])) <= {"NET_BIND_SERVICE"}
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert bool(service.get("read_only")) == (name not in WRITABLE)
    assert not {"privileged", "network_mode", "pid", "ipc"} & service.keys()
    assert not str(service.get("user", "1")).startswith("0")
    assert {"cpus", "memory"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["logging"]["options"]["max-size"]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in service.get("ports", []))
    assert ("healthcheck" in service) == (name not in WITHOUT_HEALTH)


@pytest.mark.parametrize("name", ["worker", "lag"])
def test_a_process_of_ours_is_healthy_when_it_is_ready(name: str) -> None:
    command = SERVICES[name]["healthcheck"]["test"]
    assert command[:2] == ["CMD", "python"]
    health = Health()
    server = MetricsServer(CollectorRegistry(), health, "127.0.0.1", 0)

    def returned() -> int:
        environment = {**os.environ, "CANDOR_METRICS_PORT": str(server.port)}
        return subprocess.run([sys.executable, *command[2:]], env=environment, capture_output=True, check=False).returncode

    try:
        health.beat(("assignment",))
        assert returned() != 0
        health.beat()
        assert returned() == 0
    finally:
        server.close()
    assert returned() != 0


def test_no_port_is_published_twice() -> None:
    published = [port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]

    assert len(published) == len(set(published))


@EACH
def test_what_is_mounted_exists_and_what_is_ours_is_read_only(name: str) -> None:
    for source, target, mode in _mounts(name):
        assert target.startswith("/")
        if source.startswith("."):
            assert (ROOT / source).exists(), source
            assert mode == "ro"
        else:
            assert source in COMPOSE["volumes"]
    assert set(COMPOSE["volumes"]) == {source for one in SERVICES for source, _, _ in _mounts(one) if not source.startswith(".")}


@EACH
def test_a_service_waits_for_services_that_can_become_what_it_waits_for(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[needed]
        else:
            assert how["condition"] == "service_completed_successfully"
            assert "restart" not in SERVICES[needed]


@pytest.mark.parametrize("name", OURS)
def test_a_command_of_ours_parses_and_its_variables_are_settings_with_valid_values(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = SERVICES[name]
    command: click.Command = cli
    arguments: list[str] = list(service["command"])
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments.pop(0))
        assert found is not None
        command = found
    command.make_context(name, arguments)  # fails where an option is unknown or lacks its value

    ours = {key: value for key, value in service["environment"].items() if key.startswith(PREFIX)}
    assert set(ours) == set(service["environment"]) <= {variable(setting) for setting in Settings.model_fields}
    for key, value in ours.items():
        monkeypatch.setenv(key, re.sub(r"\$\{\w+:\?[^}]*\}", "a secret", str(value)))
    settings = Settings()
    assert settings.metrics_host == "0.0.0.0"
    mounted = {target: source for source, target, _ in _mounts(name)}
    load_catalog(ROOT / mounted[str(settings.catalog)])


def test_no_password_has_a_default_or_stands_in_a_file() -> None:
    given = set(re.findall(r"\$\{(\w+):\?", TEXT))
    with_defaults = set(re.findall(r"\$\{(\w+):-", TEXT))

    assert given == SECRETS
    assert not with_defaults & SECRETS
    assert "CATALOG_FILE" in with_defaults
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            assert "PASSWORD" not in key or re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value)), (name, key)
    (secure,) = [one["secureJsonData"] for one in _data_sources() if "secureJsonData" in one]
    assert secure == {"password": "$CLICKHOUSE_READER_PASSWORD"}


def _data_sources() -> list[dict[str, Any]]:
    text = (ROOT / "deploy/grafana/provisioning/datasources/candor.yml").read_text()
    found: list[dict[str, Any]] = yaml.safe_load(text)["datasources"]
    return found


def test_grafana_reads_with_the_user_that_migrate_makes_and_finds_its_sources() -> None:
    environment = SERVICES["grafana"]["environment"]
    named = set(re.findall(r"\$([A-Z_]+)", json.dumps(_data_sources())))
    candor = SERVICES["migrate"]["environment"]

    assert named <= environment.keys()
    assert SERVICES["migrate"]["command"] == ["migrate", "--reader", environment["CLICKHOUSE_READER"]]
    assert candor["CANDOR_CLICKHOUSE_READER_PASSWORD"] == environment["CLICKHOUSE_READER_PASSWORD"]
    assert candor["CANDOR_CLICKHOUSE_URL"].endswith(f"@{environment['CLICKHOUSE_HOST']}:8123/{environment['CLICKHOUSE_DATABASE']}")
    assert environment["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert {"prometheus", environment["CLICKHOUSE_HOST"]} <= SERVICES.keys()
    plugin, _, version = environment["GF_PLUGINS_PREINSTALL_SYNC"].partition("@")
    assert plugin in {one["type"] for one in _data_sources()}
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    mounted = {target: source for source, target, _ in _mounts("grafana")}
    folder, _, home = environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].rpartition("/")
    assert (ROOT / mounted[folder] / home).is_file()
    # The SQL user of ClickHouse makes another one: it must be allowed to.
    assert SERVICES["clickhouse"]["environment"]["CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT"] == "1"


def test_prometheus_of_the_compose_file_is_the_shipped_one_but_for_places() -> None:
    inside, shipped = (yaml.safe_load((FOLDER / name).read_text()) for name in ("prometheus.compose.yml", "prometheus.yml"))
    places = {job["job_name"]: job for job in inside["scrape_configs"]}

    assert {name: inside[name] for name in ("global", "rule_files")} == {name: shipped[name] for name in ("global", "rule_files")}
    assert inside.keys() == shipped.keys()
    assert places.keys() == {job["job_name"] for job in shipped["scrape_configs"]} == {WORKER_JOB, PROBE_JOB}
    port = int(SERVICES["worker"]["environment"]["CANDOR_METRICS_PORT"])
    # One name, an address for each replica.
    assert places[WORKER_JOB]["dns_sd_configs"] == [{"names": ["worker"], "type": "A", "port": port, "refresh_interval": "15s"}]
    assert places[PROBE_JOB]["static_configs"] == [{"targets": [f"lag:{port}"]}]
    assert inside["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    mounted = {target: source for source, target, _ in _mounts("prometheus")}
    assert f"--config.file={next(target for target in mounted if target.endswith('prometheus.yml'))}" in SERVICES["prometheus"]["command"]
    # Rules are looked for beside the configuration.
    assert mounted["/etc/prometheus/candor.rules.yml"].endswith("deploy/prometheus/candor.rules.yml")
    run("promtool", "check", "config", "--lint-fatal", str(FOLDER / "prometheus.compose.yml"))


def test_alertmanager_starts_with_the_shipped_configuration() -> None:
    (source,) = [source for source, target, _ in _mounts("alertmanager") if f"--config.file={target}" in SERVICES["alertmanager"]["command"]]

    assert (ROOT / source).samefile(FOLDER / "alertmanager.yml")
