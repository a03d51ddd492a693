"""What every pod is: confined, limited, without secrets in plain, and run with settings and arguments that the product takes."""

import re
import ssl
from pathlib import Path
from typing import Any

import certifi
import click
import pytest
import yaml
from pydantic import SecretStr

from schemas.catalog import load_catalog
from sinks.address import parse
from streams.commands import cli
from streams.kafka import owner, worker
from streams.settings import BESIDE_SETTINGS, SECRETS_FOLDER, Settings, load_settings, variable
from tests.deploy.helm.chart import CASES, ROOT, VALUES, one, pods, rendered

pytestmark = pytest.mark.parametrize("case", CASES)
SECRET_SETTINGS = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)} - {"clickhouse_url"}


def test_every_pod_is_confined(case: str) -> None:
    user = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    for pod in pods(case):
        assert pod.spec["automountServiceAccountToken"] is False
        context = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert [str(context["runAsUser"])] == user
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod.container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.spec.keys()
        assert not any("hostPath" in volume for volume in pod.spec["volumes"])


def test_every_pod_asks_for_resources_and_has_limits(case: str) -> None:
    for pod in pods(case):
        assert {"cpu", "memory"} <= pod.container["resources"]["requests"].keys()
        assert {"cpu", "memory"} <= pod.container["resources"]["limits"].keys()


def test_only_tmp_can_be_written_to_and_its_size_is_limited(case: str) -> None:
    for pod in pods(case):
        volumes = {volume["name"]: volume for volume in pod.spec["volumes"]}
        writable = [mount for mount in pod.container["volumeMounts"] if not mount.get("readOnly")]

        assert [(mount["name"], mount["mountPath"]) for mount in writable] == [("tmp", "/tmp")]
        assert re.fullmatch(r"\d+Mi", volumes["tmp"]["emptyDir"]["sizeLimit"])
        assert volumes.keys() == {mount["name"] for mount in pod.container["volumeMounts"]}


def test_passwords_are_files_of_secrets_that_are_yours(case: str) -> None:
    assert not [manifest for manifest in rendered(case) if manifest["kind"] == "Secret"]
    for pod in pods(case):
        assert not {variable(name) for name in SECRET_SETTINGS} & pod.environment.keys()
        assert not parse(pod.environment["CANDOR_CLICKHOUSE_URL"]).password
        (*folders,) = [volume["projected"] for volume in pod.spec["volumes"] if volume["name"] == "secrets"]
        files = [item["path"] for folder in folders for source in folder["sources"] for item in source["secret"]["items"]]
        assert set(files) <= {f"candor_{name}" for name in SECRET_SETTINGS}
        assert len(files) == (2 if case == "everything" else 0)
        assert all(folder["defaultMode"] & 0o007 == 0 for folder in folders)


def test_every_variable_is_a_setting_and_services_bring_no_others(case: str) -> None:
    for pod in pods(case):
        assert pod.environment.keys() <= {variable(name) for name in Settings.model_fields} | BESIDE_SETTINGS
        assert pod.spec["enableServiceLinks"] is False


def _here(path: str, folder: Path) -> Path:
    """Where a path of the container is in a folder of the test's."""
    return folder / path.removeprefix("/")


def _mounted(pod_spec: dict[str, Any], container: dict[str, Any], catalog: str, folder: Path) -> None:
    """Lay the files of projected secrets and of the catalog as the kubelet would."""
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    for volume in pod_spec["volumes"]:
        sources = [source["secret"] for source in volume.get("projected", {}).get("sources", [])] + [volume.get("configMap", {})]
        for item in (item for source in sources for item in source.get("items", [])):
            file = _here(mounts[volume["name"]], folder) / item["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            texts = {"catalog": catalog, "tls": Path(certifi.where()).read_text(), "secrets": f"s3:cr@/{item['key']}\n"}
            file.write_text(texts[volume["name"]], encoding="utf-8")


def test_the_product_takes_the_settings_of_every_pod(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = yaml.safe_load((VALUES / f"{case}.yaml").read_text())
    chains: list[tuple[Path, Path]] = []
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda _, certificate, key, **__: chains.append((certificate, key)))
    for number, pod in enumerate(pods(case)):
        folder = tmp_path / str(number)
        _mounted(pod.spec, pod.container, given.get("catalog", {}).get("text", ""), folder)
        with monkeypatch.context() as context:
            for name, value in pod.environment.items():
                context.setenv(name, str(_here(value, folder)) if value.startswith("/etc/candor/") else value)

            settings = load_settings()

        for name, value in (given.get("settings") or {}).items():
            assert getattr(settings, name.removeprefix("CANDOR_").lower()) == value
        assert settings.kafka_bootstrap_servers == given["kafka"]["bootstrapServers"]
        if case == "everything":
            assert settings.kafka_sasl_password == SecretStr("s3:cr@/sasl-password")
            assert parse(settings.clickhouse_url.get_secret_value()).password == "s3:cr@/password"
            assert chains == [tuple(folder / f"etc/candor/tls/kafka-client.{kind}" for kind in ("crt", "key"))]
            for option in ("ca_cert", "client_cert", "client_cert_key"):
                assert _here(parse(pod.environment["CANDOR_CLICKHOUSE_URL"]).options[option], folder).is_file()
            chains.clear()
        if "CANDOR_CATALOG" in pod.environment:
            assert load_catalog(settings.catalog).timezone == "Europe/Berlin"
        else:
            assert SECRETS_FOLDER not in pod.environment or pod.component in {"lag", "setup"}


def test_the_catalog_is_what_was_given_and_a_new_one_restarts_workers(case: str, tmp_path: Path) -> None:
    needing = {pod.component for pod in pods(case) if "CANDOR_CATALOG" in pod.environment}
    if case != "everything":
        assert not needing
        return
    text = yaml.safe_load((VALUES / f"{case}.yaml").read_text())["catalog"]["text"]

    assert needing == {"worker", "fit", "doctor"}
    assert one(case, "ConfigMap", "-catalog")["data"] == {"catalog.yaml": text}
    (tmp_path / "catalog.yaml").write_text(text.replace("Berlin", "Vienna"), encoding="utf-8")
    annotations = [
        one_of["spec"]["template"]["metadata"]["annotations"]["checksum/catalog"]
        for arguments in ((), ("--set-file", f"catalog.text={tmp_path}/catalog.yaml"))
        for one_of in rendered(case, *arguments)
        if one_of["kind"] == "Deployment" and one_of["metadata"]["name"].endswith("-worker")
    ]
    assert len(set(annotations)) == 2


def test_the_product_takes_the_arguments_of_every_pod(case: str) -> None:
    wanted = {name: {name} for name in ("worker", "lag", "fit", "materialize", "doctor")} | {"setup": {"topics create", "migrate"}}
    seen: dict[str, set[str]] = {}
    for pod in pods(case):
        assert "command" not in pod.container
        command: click.Command = cli
        names, arguments = [], pod.container["args"]
        while isinstance(command, click.Group):
            name, *arguments = arguments
            inner = command.get_command(click.Context(command), name)
            assert inner is not None, name
            command = inner
            names.append(name)
        command.make_context("candor", list(arguments))
        seen.setdefault(pod.component, set()).add(" ".join(names))

    assert all(seen[component] == wanted[component] for component in seen)


def test_pods_that_serve_are_probed_and_have_time_to_start(case: str) -> None:
    for pod in pods(case):
        serves = pod.component in {"worker", "lag"}
        assert ("ports" in pod.container) == serves
        probes = {name: pod.container[name]["httpGet"] for name in pod.container if name.endswith("Probe")}
        paths = {"startupProbe": "/live", "livenessProbe": "/live", "readinessProbe": "/ready"}
        assert probes == ({name: {"path": path, "port": "metrics"} for name, path in paths.items()} if serves else {})
        if serves:
            (port,) = pod.container["ports"]
            assert port == {"name": "metrics", "containerPort": int(pod.environment["CANDOR_METRICS_PORT"])}
            startup = pod.container["startupProbe"]
            assert startup["periodSeconds"] * startup["failureThreshold"] >= 60


def test_a_worker_has_time_to_commit_and_a_new_one_to_prove_itself(case: str) -> None:
    deployment = one(case, "Deployment", "-worker")
    takes = worker._DRAIN_SECONDS + worker._STOP_SECONDS + owner._CLOSE_SECONDS

    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > takes
    assert deployment["spec"]["minReadySeconds"] > Settings.model_fields["session_timeout_seconds"].default
    if case != "everything":
        assert deployment["spec"]["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def test_jobs_end_and_do_not_try_again_what_cannot_help(case: str) -> None:
    specs = [
        manifest["spec"].get("jobTemplate", {}).get("spec", manifest["spec"]) for manifest in rendered(case) if manifest["kind"] in {"Job", "CronJob"}
    ]
    for spec in specs:
        rules = {rule["action"]: rule for rule in spec["podFailurePolicy"]["rules"]}
        (container,) = spec["template"]["spec"]["containers"]
        assert rules["FailJob"]["onExitCodes"] == {"containerName": container["name"], "operator": "In", "values": [1, 2]}
        assert spec["template"]["spec"]["restartPolicy"] == "Never"
        assert spec["activeDeadlineSeconds"] > 0
    assert len(specs) == {"off": 0, "copies": 4}.get(case, 3)
