"""Whether a line of a page can be typed: Helm knows its options and renders its values, and kubectl is told of what the chart makes."""

import re
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from tests.deploy.helm.chart import CHART, ROOT, Manifest, parsed, rendered, run, told

_CATALOG = ROOT / "examples" / "olist" / "catalog.yaml"
_PAGE = CHART / "README.md"
_VERBS = {("rollout", "status"), ("rollout", "restart"), ("create", "secret"), ("create", "namespace"), ("create", "job")}
_OPTIONS = {"--namespace", "--tail", "--selector", "--from", "--from-file"}


def values_of_the_page() -> str:
    """The values that the page shows."""
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", _PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


def assert_can_be_typed(tool: str, arguments: list[str]) -> None:
    """Fails where it cannot."""
    if tool == "helm":
        _helm(arguments)
    else:
        _kubectl(arguments, rendered("copies"))


def _helm(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        values = Path(folder) / "values.yaml"
        values.write_text(values_of_the_page(), encoding="utf-8")
        meant = [argument.replace("values.yaml", str(values)).replace("=catalog.yaml", f"={_CATALOG}") for argument in arguments]
        # It looks for a cluster once all else is right.
        assert "unreachable" in run(*meant).stderr
        if meant[0] == "upgrade":
            _, release, chart = [argument for argument in meant if not argument.startswith("--")][:3]
            assert (ROOT / chart).samefile(CHART)
            parsed(told("template", release, chart, "--values", str(values), *_pairs(meant, {"--namespace", "--set", "--set-file"})))


def _pairs(arguments: list[str], options: set[str]) -> list[str]:
    return [part for name, value in pairwise(arguments) if name in options for part in (name, value)]


def _kubectl(arguments: list[str], manifests: tuple[Manifest, ...]) -> None:
    there = {f"{manifest['kind'].lower()}/{manifest['metadata']['name']}" for manifest in manifests}
    before, _, inside = " ".join(arguments).partition(" -- ")
    words = before.split()
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= _OPTIONS
    plain = [word for name, word in zip(["", *words], words, strict=False) if not word.startswith("--") and (name not in _OPTIONS or "=" in name)]
    assert plain[0] in {"logs", "exec"} or tuple(plain[:2]) in _VERBS
    assert set(re.findall(r"\b[a-z]+/candor[a-z-]*", before)) <= there
    for label in re.findall(r"--selector (\S+)=(\S+)", before):
        assert any(label in manifest["spec"]["template"]["metadata"]["labels"].items() for manifest in manifests if manifest["kind"] == "Deployment")
    if plain[0] == "exec":
        assert inside.startswith("candor ")
    elif inside:
        pytest.fail(f"nobody checks {inside}")
