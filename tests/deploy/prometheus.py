"""A Prometheus on the shipped configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from tests.deploy.pages import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "candor.rules.yml"


def prometheus_command(
    folder: Path, port: int, targets: Mapping[str, Sequence[int]], rules: Path = RULES, alertmanager: int | None = None
) -> list[str]:
    """How to start it: as shipped, but for addresses (ports of each job) and intervals, which are a second; its files go to the folder."""
    shipped = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    shipped["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    shipped["rule_files"] = [str(rules)]
    for job in shipped["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{target}" for target in targets[job["job_name"]]]}]
    if alertmanager is not None:
        shipped["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager}"]}]}]}
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(shipped), encoding="utf-8")
    return ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder / 'series'}", f"--web.listen-address=127.0.0.1:{port}"]
