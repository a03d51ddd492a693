"""The chart, and what Helm makes of it. Helm must be there, or the tests fail."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
CHART = ROOT / "deploy" / "helm" / "candor"
VALUES = Path(__file__).parent / "values"
CASES = ("minimal", "everything", "copies", "off")
"""Files of values: what must be given, all that can be given or turned on on a cluster, what only one node can have, and all that can be off."""
COMPONENTS = {
    "minimal": {"worker", "lag", "fit", "setup", "doctor"},
    "everything": {"worker", "lag", "fit", "setup", "doctor"},
    "copies": {"worker", "lag", "fit", "materialize", "setup", "doctor"},
    "off": {"worker", "doctor"},
}
NAMESPACE = "shop"
Manifest = dict[str, Any]


@cache
def helm() -> str:
    """Where Helm is."""
    found = subprocess.run([ROOT / ".ci" / "helm", sys.executable], capture_output=True, text=True, check=False, timeout=280)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What Helm answers; it never sees a cluster."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}
    return subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False, timeout=60, env=environment, cwd=ROOT)


def told(*arguments: str) -> str:
    """What Helm prints; fails where it says no."""
    done = run(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@cache
def rendered(case: str, *arguments: str) -> tuple[Manifest, ...]:
    """All manifests for a file of values, hooks and tests included. Do not change them."""
    return parsed(told("template", "candor", str(CHART), "--namespace", NAMESPACE, "--values", str(VALUES / f"{case}.yaml"), *arguments))


def parsed(text: str) -> tuple[Manifest, ...]:
    """The manifests of a text."""
    return tuple(manifest for manifest in yaml.safe_load_all(text) if manifest)


def of_kind(case: str, kind: str) -> list[Manifest]:
    """Those of one kind."""
    return [manifest for manifest in rendered(case) if manifest["kind"] == kind]


def one(case: str, kind: str, name: str) -> Manifest:
    """The only one of this kind whose name ends so."""
    (found,) = [manifest for manifest in of_kind(case, kind) if manifest["metadata"]["name"].endswith(name)]
    return found


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod that a manifest makes."""

    owner: Manifest
    labels: dict[str, str]
    spec: Manifest

    @property
    def component(self) -> str:
        """What it is."""
        return self.labels["app.kubernetes.io/component"]

    @property
    def container(self) -> Manifest:
        """Its only container."""
        assert not self.spec.get("initContainers")
        (container,) = self.spec["containers"]
        assert isinstance(container, dict)
        return container

    @property
    def environment(self) -> dict[str, str]:
        """Its variables."""
        pairs = [(variable["name"], variable["value"]) for variable in self.container["env"]]
        assert len(pairs) == len(dict(pairs))
        return dict(pairs)


def pods(case: str) -> Iterator[Pod]:
    """Every pod of a file of values."""
    return pods_of(rendered(case))


def pods_of(manifests: Sequence[Manifest]) -> Iterator[Pod]:
    """Every pod that the manifests make."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        template = manifest if manifest["kind"] == "Pod" else spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template is not None:
            yield Pod(manifest, template["metadata"]["labels"], template["spec"])


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector of Kubernetes matches; raises ``KeyError`` at an expression that it does not know."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all({"In": labels.get(one["key"]) in one["values"]}[one["operator"]] for one in selector.get("matchExpressions", []))
