"""Dashboards as the files that Grafana provisions."""

import json
from collections.abc import Sequence
from pathlib import Path

from streams.metrics.dashboards.model import Dashboard
from streams.metrics.dashboards.pipeline import PIPELINE
from streams.metrics.dashboards.scores import SCORES
from streams.metrics.dashboards.value import VALUE

DASHBOARDS: Sequence[Dashboard] = (PIPELINE, SCORES, VALUE)
FOLDER = Path("deploy/grafana/dashboards")


def dashboard_files() -> dict[Path, str]:
    """Each dashboard's file from the root of the project, and its text."""
    return {FOLDER / f"{one.uid}.json": json.dumps(one.model(), indent=1, ensure_ascii=False) + "\n" for one in DASHBOARDS}
