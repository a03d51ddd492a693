"""Docker or Podman: building the image and running a service of the compose file as it says."""

import re
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from tests.deploy.pages import ROOT

IMAGE = "localhost/candor:tried"
_BASE = re.compile(r"^FROM (\S+)", re.MULTILINE)
_LIMITS = ("nofile=10000:10000", "nproc=4000:4000")
"""Of our own: Podman would raise them, which takes a right that not every user has."""


def _engine() -> list[str]:
    found = subprocess.run([ROOT / ".ci" / "containers"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(found.stderr)
    return found.stdout.split()


@dataclass(frozen=True)
class Containers:
    """What runs containers here."""

    command: list[str] = field(default_factory=_engine)
    prefix: str = field(default_factory=lambda: f"candor-image-{secrets.token_hex(4)}-")
    """Of names of containers: others may have some that are called as services are."""

    @property
    def _is_docker(self) -> bool:
        return self.command == ["docker"]

    def build(self) -> None:
        """Build the image. Where no registry gives its base, one is made of Debian's packages, if nobody else's images are kept where it goes."""
        (base,) = set(_BASE.findall((ROOT / "Dockerfile").read_text()))
        if self._run("image", "inspect", base).returncode:
            pulled = self._run("pull", base)
            if pulled.returncode and self._is_docker:
                raise SystemExit(f"{base} cannot be had:\n{pulled.stderr}\n  log in, or get it from a mirror and tag it so, and try again")
            if pulled.returncode:
                click.echo(f"no registry gives {base}: Debian's own Python stands in for it")
                self._stand_in(base)
        isolated = [] if self._is_docker else ["--isolation", "chroot", *_registry()]
        self._told("build", "--network", "host", *isolated, "--tag", IMAGE, str(ROOT))

    def _stand_in(self, base: str) -> None:
        """Make what stands in for the official image of Python: Debian's own, of the same version, which pip may install into."""
        version = base.partition(":")[2].partition("-")[0]
        with tempfile.TemporaryDirectory(prefix="candor-image-") as folder:
            tar = Path(folder) / "base.tar"
            packages = f"python{version},python3,python3-venv,python3-pip,ca-certificates"
            hooks = ('rm "$1"/usr/lib/python3*/EXTERNALLY-MANAGED', 'ln -s python3 "$1/usr/bin/python"')
            hooked = [f"--customize-hook={hook}" for hook in hooks]
            subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", *hooked, _release(), str(tar)], check=True)
            self._told("import", str(tar), f"docker.io/library/{base}")

    def start(self, name: str, service: Mapping[str, Any], settings: Mapping[str, str], log: Path) -> "subprocess.Popen[bytes]":
        """Start a service of the resolved compose file in the network of this machine, with these settings in place of its own."""
        limits = service["deploy"]["resources"]["limits"]
        confined = [
            *(("--read-only",) if service["read_only"] else ()),
            *(f"--cap-drop={right}" for right in service["cap_drop"]),
            *(f"--security-opt={option.removesuffix(':true')}" for option in service["security_opt"]),
            *(f"--tmpfs={mount}" for mount in service["tmpfs"]),
            *(f"--volume={volume['source']}:{volume['target']}:ro" for volume in service["volumes"]),
            # Compose tells a dollar as two, which it would take for one.
            *(f"--env={variable}={value}" for variable, value in {**_undoubled(service["environment"]), **settings}.items()),
            *(f"--ulimit={limit}" for limit in _LIMITS),
            f"--memory={limits['memory']}",
            f"--cpus={limits['cpus']}",
        ]
        with log.open("wb") as output:
            return subprocess.Popen(
                [*self.command, "run", "--name", self.prefix + name, "--pull=never", "--network=host", *confined, IMAGE, *service["command"]],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def inside(self, name: str, *command: str) -> "subprocess.CompletedProcess[str]":
        """What a command in a container that runs says."""
        return self._run("exec", self.prefix + name, *command)

    def stop(self, name: str, seconds: int) -> None:
        """Ask it to stop, and end it after so many seconds."""
        self._told("stop", "--time", str(seconds), self.prefix + name)

    def state(self, name: str) -> str:
        """Its exit code, and whether it had too little memory."""
        return self._told("inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", self.prefix + name).strip()

    def remove(self, name: str) -> None:
        """Take it away, whatever it does."""
        self._run("rm", "--force", self.prefix + name)

    def _told(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise SystemExit(f"{' '.join(arguments[:2])} failed:\n{done.stdout[-2_000:]}{done.stderr[-4_000:]}")
        return done.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*self.command, *arguments], capture_output=True, text=True, check=False)


def _undoubled(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value.replace("$$", "$") for name, value in environment.items()}


def _release() -> str:
    (found,) = re.findall(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.MULTILINE)
    return str(found)


def _registry() -> list[str]:
    """How this machine gets packages, for the time of the build."""
    return [f"--volume={place}:{place}:ro" for place in ("/etc/pip.conf", "/etc/ssl/certs") if Path(place).exists()]
