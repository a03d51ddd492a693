"""What Docker Compose itself makes of the compose file: all that stands in it, every variable resolved, and nothing without a password."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.pages import ROOT, blocks
from tests.deploy.test_compose import COMPOSE, EACH, SECRETS, SERVICES

PASSWORDS = {name: f"{name.lower()} it's $HOME" for name in sorted(SECRETS)}
"""With what must not be taken for anything else."""
_UNITS = {"s": 1, "m": 60, "h": 3_600}
_BYTES = {"m": 1 << 20, "g": 1 << 30}


@cache
def compose() -> str:
    """Where Docker Compose is; it must be there, or the tests fail."""
    found = subprocess.run([ROOT / ".ci" / "compose"], capture_output=True, text=True, check=False, timeout=280)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def run(*arguments: str, folder: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """What ``docker compose`` says of the file, in an environment that has these variables alone."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **variables}
    # A file .env of the developer is none of the test's.
    command = [compose(), "--file", str(ROOT / "docker-compose.yml"), "--project-directory", str(ROOT), "--env-file", str(folder / ".env")]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=folder)


def told(folder: Path, **variables: str) -> dict[str, Any]:
    """The model that it would start; fails where it has the least to object."""
    (folder / ".env").touch()
    done = run("config", "--format", "json", folder=folder, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    model: dict[str, Any] = json.loads(done.stdout)
    return model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What it makes of the file with all passwords given."""
    return told(tmp_path_factory.mktemp("compose"), **PASSWORDS)


def _resolved(written: Any) -> Any:
    """The same with every variable replaced by its password, or its default."""
    if isinstance(written, list):
        return [_resolved(one) for one in written]
    if isinstance(written, dict):
        return {name: _resolved(one) for name, one in written.items()}
    if not isinstance(written, str):
        return written
    return re.sub(r"\$\{(\w+):(?:\?|-([^}]*))[^}]*\}", lambda found: PASSWORDS.get(found[1]) or found[2], written)


def _seconds(duration: str) -> int:
    """Of 1m30s as of 90s."""
    parts = re.findall(r"(\d+)([smh])", duration)
    assert "".join(number + unit for number, unit in parts) == duration
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _in_seconds(given: dict[str, Any]) -> dict[str, Any]:
    durations = {"interval", "timeout", "start_period", "stop_grace_period"}
    return {name: _seconds(value) if name in durations else value for name, value in given.items()}


def _as_written(service: dict[str, Any]) -> dict[str, Any]:
    """A service of the model in the words of the file; what Compose adds by itself is left out."""
    said = _in_seconds({name: value for name, value in service.items() if name not in {"entrypoint", "networks"} and value is not None})
    limits = service["deploy"]["resources"]["limits"]
    said["deploy"] = {name: value for name, value in service["deploy"].items() if name != "placement"}
    said["deploy"]["resources"] = {"limits": {"cpus": float(limits["cpus"]), "memory": int(limits["memory"])}}
    if "healthcheck" in said:
        said["healthcheck"] = _in_seconds(said["healthcheck"])
    if "environment" in said:
        # What it prints can be read by it again.
        said["environment"] = {variable: value.replace("$$", "$") for variable, value in said["environment"].items()}
    if "build" in said:
        said["build"] = said["build"]["context"]
    if "ports" in said:
        said["ports"] = [f"{port['host_ip']}:{port['published']}:{port['target']}" for port in said["ports"]]
    if "volumes" in said:
        said["volumes"] = [f"{one['source']}:{one['target']}" + ":ro" * one.get("read_only", False) for one in said["volumes"]]
    if "depends_on" in said:
        assert all(how.pop("required", True) and not how.pop("restart", False) for how in said["depends_on"].values())
    return said


def _wanted(service: dict[str, Any]) -> dict[str, Any]:
    """A service of the file, with variables, paths and units resolved by ourselves."""
    wanted: dict[str, Any] = _in_seconds(_resolved(service))
    limits = wanted["deploy"]["resources"]["limits"]
    wanted["deploy"]["resources"] = {"limits": {"cpus": float(limits["cpus"]), "memory": int(limits["memory"][:-1]) * _BYTES[limits["memory"][-1]]}}
    if "healthcheck" in wanted:
        wanted["healthcheck"] = _in_seconds(wanted["healthcheck"])
    if "build" in wanted:
        wanted["build"] = str((ROOT / wanted["build"]).resolve())
    if "environment" in wanted:
        wanted["environment"] = {name: str(value) for name, value in wanted["environment"].items()}
    if "volumes" in wanted:
        wanted["volumes"] = [re.sub(r"^\.", str(ROOT), volume) for volume in wanted["volumes"]]
    return wanted


@EACH
def test_a_service_is_started_as_it_is_written(model: dict[str, Any], name: str) -> None:
    assert _as_written(model["services"][name]) == _wanted(SERVICES[name])
    # Its own network alone, and its image's own entry point.
    assert model["services"][name]["networks"] == {"default": None}
    assert model["services"][name].get("entrypoint") is None


def test_nothing_else_is_started_and_no_variable_is_left(model: dict[str, Any]) -> None:
    assert model["name"] == "candor"
    assert model["services"].keys() == SERVICES.keys()
    assert {name: volume["name"] for name, volume in model["volumes"].items()} == {name: f"candor_{name}" for name in COMPOSE["volumes"]}
    assert model["networks"].keys() == {"default"}
    text = json.dumps({name: part for name, part in model.items() if not name.startswith("x-")})
    assert "${" not in text
    assert all(name.lower() in text for name in SECRETS)


def test_each_password_must_be_given_and_what_is_said_names_it(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    for missing in sorted(SECRETS):
        for given in ({}, {missing: ""}):
            refused = run("config", "--quiet", folder=tmp_path, **{**{name: value for name, value in PASSWORDS.items() if name != missing}, **given})

            assert refused.returncode != 0
            assert re.search(rf"required variable {missing} is missing a value: give the password of ", refused.stderr), refused.stderr
            assert not any(value in refused.stderr for value in PASSWORDS.values())


def test_what_the_page_writes_into_the_file_of_passwords_is_enough(tmp_path: Path) -> None:
    ((make, start),) = [block.splitlines() for block in blocks(ROOT / "docs" / "operations.md", "sh") if "docker compose" in block]
    subprocess.run(["bash", "-euc", make], cwd=tmp_path, check=True, timeout=60)

    services = told(tmp_path)["services"]

    made = dict(line.split("=") for line in (tmp_path / ".env").read_text().splitlines())
    assert made.keys() == SECRETS
    assert len({*made.values()}) == len(SECRETS)
    assert services["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"] == made["GRAFANA_PASSWORD"]
    assert services["grafana"]["environment"]["CLICKHOUSE_READER_PASSWORD"] == made["CLICKHOUSE_READER_PASSWORD"]
    assert services["worker"]["environment"]["CANDOR_CLICKHOUSE_PASSWORD"] == made["CLICKHOUSE_PASSWORD"]
    # The command itself, but for the engine that it would need: its options are known.
    assert run(*start.split()[2:], "--help", folder=tmp_path).returncode == 0
    assert run("up", "--built", "--help", folder=tmp_path).returncode != 0


def test_a_catalog_of_ones_own_is_mounted_everywhere(tmp_path: Path) -> None:
    services = told(tmp_path, **PASSWORDS, CATALOG_FILE="/etc/company/catalog.yaml")["services"]

    mounted = {one["source"] for service in services.values() for one in service.get("volumes", []) if one["target"] == "/etc/candor/catalog.yaml"}
    assert mounted == {"/etc/company/catalog.yaml"}


def test_workers_can_be_more_than_one_and_nothing_hides_behind_a_profile(model: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    workers = model["services"]["worker"]

    assert workers["deploy"]["replicas"] > 1
    # Neither a port nor a name can be had twice.
    assert not workers.keys() & {"ports", "container_name", "hostname"}
    profiles = run("config", "--profiles", folder=tmp_path, **PASSWORDS)
    assert (profiles.returncode, profiles.stdout.strip()) == (0, "")


def test_the_check_sees_what_compose_would_not_start(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    (tmp_path / "more.yml").write_text("services: {worker: {depends_on: {nobody: {condition: service_healthy}}}}")

    refused = run("--file", str(tmp_path / "more.yml"), "config", "--quiet", folder=tmp_path, **PASSWORDS)

    assert refused.returncode != 0
    assert 'depends on undefined service "nobody"' in refused.stderr
