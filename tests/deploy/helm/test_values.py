"""Values: what is refused, and that the page, the comments, the schema and the product's settings say the same."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from streams.settings import Settings, variable
from tests.deploy.helm.chart import CHART, ROOT, VALUES, run

SCHEMA: dict[str, Any] = yaml.safe_load((CHART / "values.schema.json").read_text())
MADE_BY_THE_CHART = {"metrics_host", "metrics_port", "catalog", "clickhouse_url", "clickhouse_password"}
NOT_FOR_PODS = {"clickhouse_server_password", "clickhouse_server_reader_password", "clickhouse_reader_password"}
"""Of a server of one's own, and of the user for people and dashboards, whom an administrator makes."""


def _refusal(*arguments: str) -> str:
    """What Helm says, with paths as in ``--set``; Helm 3 and 4 have different words and marks for the same."""
    done = run("template", "candor", str(CHART), "--values", str(VALUES / "minimal.yaml"), *arguments)
    assert done.returncode != 0, done.stdout
    return re.sub(
        r"additional propert(?:y|ies) '?(.+?)'? (?:is )?not allowed", r"unknown \1", done.stderr.replace("~1", "/"), flags=re.IGNORECASE
    ).replace("/", ".")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("worker.replica=3", "unknown replica"),
        ("nosuch=3", "unknown nosuch"),
        ("kafka.sasl.password=sesame", "unknown password"),
        ("clickhouse.password=sesame", "unknown password"),
        ("clickhouse.url=http://candor:sesame@clickhouse:8123/candor", "clickhouse.url"),
        ("clickhouse.url=http://clickhouse:8123/candor?password=sesame", "clickhouse.url"),
        ("clickhouse.url=http://clickhouse:8123/candor?compress=lz4&password=sesame", "clickhouse.url"),
        ("clickhouse.url=chdb:///data?database=candor", "clickhouse.url"),
        ("settings.CANDOR_CLICKHOUSE_PASSWORD=sesame", "unknown CANDOR_CLICKHOUSE_PASSWORD"),
        ("settings.CANDOR_KAFKA_SASL_PASSWORD=sesame", "unknown CANDOR_KAFKA_SASL_PASSWORD"),
        ("settings.CANDOR_FLUSH_INTERVAL=1", "unknown CANDOR_FLUSH_INTERVAL"),
        ("kafka.bootstrapServers=kafka", "kafka.bootstrapServers"),
        ("kafka.securityProtocol=SASL_SSL", "kafka.sasl"),
        ("image.digest=sha256:123", "image.digest"),
        ("image.tag=a tag", "image.tag"),
        ("worker.replicas=-1", "worker.replicas"),
        ("worker.replicas=two", "worker.replicas"),
        ("worker.maxSurge=0", "worker"),
        ("worker.terminationGracePeriodSeconds=30", "worker.terminationGracePeriodSeconds"),
        ("worker.resources.limits=null", "worker.resources"),
        ("worker.podLabels.app\\.kubernetes\\.io/name=x", "worker.podLabels"),
        ("metrics.port=80", "metrics.port"),
        ("fit.schedule=at night", "fit.schedule"),
        ("materialize.schedule=at night", "materialize.schedule"),
        ("materialize.views={loyalty total}", "materialize.views"),
        ("materialize.enabled=true,settings.CANDOR_CLICKHOUSE_CLUSTER=main", "dbt"),
        ("tmpSizeLimit=", "tmpSizeLimit"),
    ],
)
def test_wrong_values_are_refused_by_name(given: str, told: str) -> None:
    assert told in _refusal("--set", given)


def test_a_catalog_is_given_in_one_way() -> None:
    assert "catalog" in _refusal("--set", "catalog.text=timezone: UTC,catalog.existingConfigMap.name=mine")


def _objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield path, schema
        for name, inner in schema.items():
            yield from _objects(inner, f"{path}/{name}")


def test_no_object_of_the_schema_takes_unknown_names() -> None:
    assert {path: one.get("additionalProperties") for path, one in _objects(SCHEMA) if one.get("additionalProperties") is not False} == {}


def test_settings_are_those_of_the_product_that_the_chart_does_not_make_itself() -> None:
    left = Settings.model_fields.keys() - MADE_BY_THE_CHART - NOT_FOR_PODS
    wanted = {variable(name) for name in left if not name.startswith("kafka_")}

    assert SCHEMA["properties"]["settings"]["properties"].keys() == wanted
    assert set(yaml.safe_load((CHART / "values.yaml").read_text())["settings"]) <= wanted


def _leaves(values: dict[str, Any], path: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        here = f"{path}{name}"
        if isinstance(value, dict) and value and here != "settings" and name != "resources":
            yield from _leaves(value, f"{here}.")
        else:
            yield here, value


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    reference = str(schema.get("$ref", ""))
    return dict(SCHEMA["definitions"][reference.removeprefix("#/definitions/")]) if reference else schema


def _declared(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, inner in schema["properties"].items():
        here, meant = f"{path}{name}", _resolved(inner)
        if "properties" in meant and name not in {"resources", "settings"}:
            yield from _declared(meant, f"{here}.")
        else:
            yield here


def _commented() -> dict[str, str]:
    """What the comment in front of each value says, by its path."""
    said: dict[str, str] = {}
    path: list[tuple[int, str]] = []
    comment = ""
    for line in (CHART / "values.yaml").read_text().splitlines():
        if found := re.fullmatch(r"\s*# -- (.+)", line):
            comment = found[1]
        elif found := re.match(r"(\s*)([\w]+):", line):
            path = [*(part for part in path if part[0] < len(found[1])), (len(found[1]), found[2])]
            if comment:
                said[".".join(name for _, name in path)] = comment
            comment = ""
    return said


def test_every_value_has_a_default_in_the_file_a_place_in_the_schema_and_a_comment() -> None:
    values = dict(_leaves(yaml.safe_load((CHART / "values.yaml").read_text())))

    assert values.keys() == set(_declared(SCHEMA)) - {"global"}
    assert values.keys() == _commented().keys()


def _shown(value: object) -> str:
    return (
        f"`{yaml.safe_dump(value, default_flow_style=True, width=1000).removesuffix('...' + chr(10)).strip()}`" if value not in ("", {}, []) else ""
    )


def test_the_table_of_the_page_is_that_of_the_file() -> None:
    values, said = dict(_leaves(yaml.safe_load((CHART / "values.yaml").read_text()))), _commented()
    wanted = [f"| `{path}` | {_shown(value)} | {said[path]} |" for path, value in values.items()]
    page = (CHART / "README.md").read_text()

    assert [line for line in page.splitlines() if line.startswith("| `")] == wanted


def test_the_chart_has_the_version_of_the_product() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert (chart["version"], chart["appVersion"]) == (version, version)
