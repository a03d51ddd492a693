"""Helm renders the chart, and Kubernetes would take what it renders."""

import kubernetes_validate
import pytest

from tests.deploy.helm.chart import CASES, CHART, COMPONENTS, NAMESPACE, VALUES, parsed, pods, rendered, run, told

OLDEST, NEWEST = "1.29", kubernetes_validate.latest_version()
OF_THE_OPERATOR = {"ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_no_fault(case: str) -> None:
    told("lint", str(CHART), "--strict", "--values", str(VALUES / f"{case}.yaml"))


def test_the_defaults_alone_are_sound_but_name_what_is_missing() -> None:
    told("lint", str(CHART), "--strict")

    refused = run("template", "candor", str(CHART))

    assert refused.returncode != 0
    assert "kafka.bootstrapServers is empty" in refused.stderr
    refused = run("template", "candor", str(CHART), "--set", "kafka.bootstrapServers=kafka:9092")
    assert "clickhouse.url is empty" in refused.stderr


@pytest.mark.parametrize("version", [OLDEST, "1.33", NEWEST])
@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_every_manifest(case: str, version: str) -> None:
    for manifest in rendered(case, "--kube-version", f"{version}.0" if version.count(".") == 1 else version):
        if manifest["kind"] not in OF_THE_OPERATOR:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_check_sees_what_kubernetes_would_not_take() -> None:
    (worker,) = [manifest for manifest in rendered("minimal") if manifest["metadata"]["name"] == "candor-worker" and manifest["kind"] == "Deployment"]

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**worker, "spec": {**worker["spec"], "replica": 1}}, NEWEST, strict=True)


def test_older_versions_of_kubernetes_are_refused() -> None:
    refused = run("template", "candor", str(CHART), "--values", str(VALUES / "minimal.yaml"), "--kube-version", "1.28.9")

    assert refused.returncode != 0
    assert "kubeVersion: >=1.29.0-0" in refused.stderr


@pytest.mark.parametrize("case", CASES)
def test_all_that_is_wanted_is_there_and_nothing_else(case: str) -> None:
    kinds = {manifest["kind"] for manifest in rendered(case)}

    assert {pod.component for pod in pods(case)} == COMPONENTS[case]
    if case == "off":
        assert kinds == {"Deployment", "Service", "Pod"}
    else:
        assert {"Deployment", "Job", "CronJob", "Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount", "Pod"} <= kinds
    assert (kinds >= OF_THE_OPERATOR) == (case == "everything")


@pytest.mark.parametrize("case", CASES)
def test_no_two_objects_have_one_name_and_names_are_short_enough(case: str) -> None:
    names = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered(case)]

    assert len(names) == len(set(names))


def test_long_names_of_releases_and_two_releases_beside_each_other_fit() -> None:
    values = ("--values", str(VALUES / "everything.yaml"))
    long = parsed(told("template", "x" * 53, str(CHART), *values))
    other = parsed(told("template", "other", str(CHART), "--namespace", NAMESPACE, *values, "--set", "serviceAccount.name=other"))

    assert max(len(manifest["metadata"]["name"]) for manifest in long if manifest["kind"] == "CronJob") <= 52
    assert max(len(manifest["metadata"]["name"]) for manifest in long) <= 63
    names = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in rendered("everything")}
    assert not names & {(manifest["kind"], manifest["metadata"]["name"]) for manifest in other}


def test_names_that_look_like_numbers_stay_names() -> None:
    names = {
        "fullnameOverride": "12",
        "nameOverride": "13",
        "clickhouse.existingSecret.name": "14",
        "clickhouse.existingSecret.key": "15",
        "clickhouse.tls.ca.existingSecret": "16",
        "catalog.existingConfigMap.name": "17",
        "catalog.existingConfigMap.key": "18",
        "networkPolicy.monitoringNamespace": "19",
        "worker.priorityClassName": "20",
        "image.tag": "21",
    }
    given = [argument for name, value in names.items() for argument in ("--set-string", f"{name}={value}")]

    for manifest in parsed(told("template", "11", str(CHART), "--values", str(VALUES / "minimal.yaml"), *given)):
        kubernetes_validate.validate(manifest, NEWEST, strict=True)
