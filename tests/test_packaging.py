"""What is shipped: images, compose file, requirements and package data fit the code."""

import re
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from streams.broker.container import IMAGE
from streams.broker.jars import KAFKA_VERSION
from streams.commands import COMMANDS
from streams.settings import BESIDE_SETTINGS, PREFIX, Settings, variable

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "candor"}
VARIABLES = {variable(name) for name in Settings.model_fields} | BESIDE_SETTINGS
TEXTS = [
    ROOT / name
    for name in (
        "Makefile",
        "Dockerfile",
        "docker-compose.yml",
        "README.md",
        "CONTRIBUTING.md",
        ".ci/run",
        ".ci/apt",
        ".ci/install",
        ".ci/java",
        ".ci/prometheus",
        ".ci/helm",
        ".ci/compose",
        ".ci/venv",
    )
]


def test_the_compose_file_starts_things_in_order_and_two_workers() -> None:
    services = COMPOSE["services"]

    assert set(services) == {"kafka", "clickhouse", "topics", "migrate", "worker", "lag", "prometheus", "alertmanager", "grafana"}
    assert services["worker"]["deploy"]["replicas"] == 2
    assert {name: needed["condition"] for name, needed in services["worker"]["depends_on"].items()} == {
        "topics": "service_completed_successfully",
        "migrate": "service_completed_successfully",
    }


def test_what_lies_in_memory_is_limited() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("tmpfs", []):
            assert re.search(r":size=\d+m$", mount), mount


def test_clickhouse_logs_to_the_console_alone() -> None:
    mounts = [volume.split(":") for volume in COMPOSE["services"]["clickhouse"]["volumes"]]
    ((source, _, mode),) = [mount for mount in mounts if mount[1].startswith("/etc/clickhouse-server/config.d/")]

    logger = ET.parse(ROOT / source).find("logger")

    assert mode == "ro"
    assert logger is not None
    assert (logger.findtext("level"), logger.findtext("console")) == ("information", "true")
    assert all(entry.attrib == {"remove": "1"} for name in ("log", "errorlog") for entry in [logger.find(name)] if entry is not None)
    assert {entry.tag for entry in logger} == {"level", "console", "log", "errorlog"}


def test_no_password_is_put_into_a_url_unencoded() -> None:
    settings = COMPOSE["x-candor"]["environment"]

    assert not any("$" in value for name, value in settings.items() if "://" in value)
    assert "CLICKHOUSE_PASSWORD" in settings["CANDOR_CLICKHOUSE_PASSWORD"]


def test_one_service_builds_the_image_and_the_others_wait_for_it() -> None:
    """Several that build one tag are built at once, and all but the first fail to store it."""

    def before(name: str) -> set[str]:
        return set().union(*({needed, *before(needed)} for needed in COMPOSE["services"][name].get("depends_on", {})))

    builders = [name for name, service in COMPOSE["services"].items() if "build" in service]

    assert len(builders) == 1
    assert set(builders) <= set(OURS)
    for name in set(OURS) - set(builders):
        assert OURS[name]["pull_policy"] == "never"
        assert builders[0] in before(name)


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_variable_that_is_named_is_a_setting(path: Path) -> None:
    assert set(re.findall(rf"\b{PREFIX}[A-Z_]*[A-Z]", path.read_text())) <= VARIABLES


def test_every_command_that_is_named_in_the_texts_exists() -> None:
    for path in TEXTS:
        for name in re.findall(r"(?:`|bin/|\) )candor ([a-z]+)", path.read_text()):
            assert name in COMMANDS, (path, name)


def test_kafka_has_one_version_everywhere() -> None:
    assert COMPOSE["services"]["kafka"]["image"] == IMAGE
    assert f"<version>{KAFKA_VERSION}</version>" in (ROOT / "streams/broker/pom.xml").read_text()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-build.txt", "requirements-dbt.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_host(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"\n(?=\S)", text.strip())

    assert blocks
    assert all(re.match(r"[A-Za-z0-9._-]+==\S+", block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_every_dependency_is_pinned() -> None:
    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[<>=~! \[]", requirement, maxsplit=1)[0].lower().replace("_", "-") for requirement in requirements}

    pinned = names((ROOT / "requirements.txt").read_text().splitlines())
    pinned_for_development = names((ROOT / "requirements-dev.txt").read_text().splitlines())

    assert names(PROJECT["project"]["dependencies"]) <= pinned
    assert names(PROJECT["project"]["optional-dependencies"]["dev"]) - {"candor"} <= pinned_for_development


def test_the_image_runs_as_nobody_in_particular_with_hashed_requirements() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()

    assert re.search(r"^USER \d{4,}$", dockerfile, re.MULTILINE)
    assert dockerfile.count("--require-hashes") == 2
    assert dockerfile.count("\nFROM ") == 1


def test_faust_is_pinned_to_a_minor_version() -> None:
    assert "faust-streaming~=0.15.3" in PROJECT["project"]["dependencies"]
