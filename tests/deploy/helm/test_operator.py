"""The Prometheus Operator would take what the chart renders for it, by its own definitions, which ``crds`` holds."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.deploy.helm.chart import CHART, VALUES, Manifest, of_kind, parsed, run, told
from tests.deploy.helm.test_rendering import OF_THE_OPERATOR

CRDS = Path(__file__).parent / "crds"
EACH = pytest.mark.parametrize("kind", sorted(OF_THE_OPERATOR))


@cache
def _validator(kind: str) -> jsonschema.protocols.Validator:
    """Of a kind, with every field refused that is not of it, as ``kubectl apply`` does: an API server alone would drop it."""
    definition = yaml.safe_load((CRDS / f"monitoring.coreos.com_{kind.lower()}s.yaml").read_text(encoding="utf-8"))
    assert definition["spec"]["names"]["kind"] == kind
    (version,) = [version for version in definition["spec"]["versions"] if version["name"] == "v1"]
    assert version["served"]
    schema = _closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["apiVersion"] = {"const": f"{definition['spec']['group']}/v1"}
    schema["properties"]["kind"] = {"const": kind}
    schema["properties"]["metadata"] = {
        "type": "object", "required": ["name"], "additionalProperties": False,
        "properties": {"name": {"type": "string"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}},
    }  # fmt: skip
    return jsonschema.Draft202012Validator(schema)


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    # A field may go by the name of a keyword, such as "properties" or "type".
    parts = {"properties", "items", "additionalProperties", "anyOf", "allOf", "oneOf", "not"}
    assert not schema.get("nullable")
    closed = {
        word: {name: _closed(one) for name, one in value.items()} if word == "properties" else _closed(value) if word in parts else value
        for word, value in schema.items()
    }
    if "properties" in closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed.setdefault("additionalProperties", False)
    return closed


@EACH
def test_the_operator_takes_what_is_rendered(kind: str) -> None:
    manifests = of_kind("everything", kind)

    assert manifests
    for manifest in manifests:
        _validator(kind).validate(manifest)


def _refuses(kind: str, manifest: Manifest, what: str) -> None:
    with pytest.raises(jsonschema.ValidationError, match=what):
        _validator(kind).validate(manifest)


def test_the_check_sees_what_the_operator_would_not_take_of_a_monitor() -> None:
    def changed() -> tuple[Manifest, Manifest]:
        monitor = copy.deepcopy(of_kind("everything", "ServiceMonitor")[0])
        return monitor, monitor["spec"]["endpoints"][0]

    monitor, endpoint = changed()
    endpoint["scrapeTimout"] = endpoint.pop("scrapeTimeout")
    _refuses("ServiceMonitor", monitor, "scrapeTimout")
    monitor, endpoint = changed()
    endpoint["interval"] = "half a minute"
    _refuses("ServiceMonitor", monitor, "half a minute")
    monitor, endpoint = changed()
    endpoint["relabelings"][0]["action"] = "overwrite"
    _refuses("ServiceMonitor", monitor, "overwrite")
    monitor, _ = changed()
    del monitor["spec"]["selector"]
    _refuses("ServiceMonitor", monitor, "selector")
    monitor, _ = changed()
    monitor["apiVersion"] = "monitoring.coreos.com/v1alpha1"
    _refuses("ServiceMonitor", monitor, "v1alpha1")
    monitor, _ = changed()
    monitor["metadata"]["labels"]["number"] = 1
    _refuses("ServiceMonitor", monitor, "1 is not of type 'string'")


def test_the_check_sees_what_the_operator_would_not_take_of_rules() -> None:
    def changed() -> tuple[Manifest, Manifest]:
        rules = copy.deepcopy(of_kind("everything", "PrometheusRule")[0])
        return rules, next(rule for rule in rules["spec"]["groups"][0]["rules"] if "for" in rule)

    rules, rule = changed()
    rule["hold"] = rule.pop("for")
    _refuses("PrometheusRule", rules, "hold")
    rules, rule = changed()
    rule["for"] = "5 minutes"
    _refuses("PrometheusRule", rules, "5 minutes")
    rules, rule = changed()
    rule["labels"]["factor"] = 14.4
    _refuses("PrometheusRule", rules, "14.4 is not of type 'string'")
    rules, rule = changed()
    del rule["expr"]
    _refuses("PrometheusRule", rules, "expr")


@pytest.mark.parametrize("given", ["30", "half a minute", "1m30"])
def test_an_interval_that_the_operator_would_not_take_is_refused_before_it_hears_of_it(given: str) -> None:
    values = ("--values", str(VALUES / "everything.yaml"))
    whole = parsed(told("template", "candor", str(CHART), *values, "--set-string", "monitoring.serviceMonitor.interval=1m30s"))
    for manifest in whole:
        if manifest["kind"] == "ServiceMonitor":
            _validator("ServiceMonitor").validate(manifest)

    refused = run("template", "candor", str(CHART), *values, "--set-string", f"monitoring.serviceMonitor.interval={given}")

    assert refused.returncode != 0
    assert "interval" in refused.stderr
