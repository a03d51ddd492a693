"""What is generated fits Grafana's JSON model, the data sources that are provisioned, and people who see colours in another way."""

import json
import re
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.metrics.dashboards import colours
from streams.metrics.dashboards.files import DASHBOARDS, FOLDER, dashboard_files
from streams.metrics.dashboards.model import COLUMNS, Dashboard, Kind, Panel, Row, Source, Threshold, Unit

ROOT = Path(__file__).parents[4]
GRAFANA = ROOT / "deploy" / "grafana"
EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)


def _panels(dashboard: Dashboard) -> list[dict[str, Any]]:
    panels: Any = dashboard.model()["panels"]
    return list(panels)


@EACH
def test_the_file_is_what_is_declared_and_is_provisioned(dashboard: Dashboard) -> None:
    text = (ROOT / FOLDER / f"{dashboard.uid}.json").read_text(encoding="utf-8")

    assert text == dashboard_files()[FOLDER / f"{dashboard.uid}.json"]
    assert json.loads(text)["uid"] == dashboard.uid
    assert {path.name for path in (ROOT / FOLDER).iterdir()} == {f"{one.uid}.json" for one in DASHBOARDS}
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/candor.yml").read_text())["providers"]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert f"./{FOLDER}:{provider['options']['path']}:ro" in compose["volumes"]


@EACH
def test_every_panel_has_an_id_of_its_own_and_a_place_of_its_own(dashboard: Dashboard) -> None:
    panels = _panels(dashboard)
    boxes = [(one["gridPos"]["x"], one["gridPos"]["y"], one["gridPos"]["w"], one["gridPos"]["h"]) for one in panels]

    assert len({one["id"] for one in panels}) == len(panels)
    assert len({one["title"] for one in panels}) == len(panels)
    assert all(x >= 0 and w > 0 and h > 0 and x + w <= COLUMNS for x, _, w, h in boxes)
    for (x, y, w, h), (x2, y2, w2, h2) in combinations(boxes, 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    assert all(before[1] <= after[1] for before, after in pairwise(boxes))


@EACH
def test_every_panel_says_what_it_shows_in_which_unit_and_from_where(dashboard: Dashboard) -> None:
    sources = {one["uid"]: one["type"] for one in yaml.safe_load((GRAFANA / "provisioning/datasources/candor.yml").read_text())["datasources"]}
    assert {uid: plugin for plugin, uid in (source.value for source in Source)} == sources

    for panel in _panels(dashboard):
        if panel["type"] == "row":
            continue
        assert len(panel["description"]) > 40
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"] in set(Unit)
        assert sources[panel["datasource"]["uid"]] == panel["datasource"]["type"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
        names = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
        assert len(names) == len(set(names))
        if panel["type"] == Kind.SERIES:
            assert panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False
    for variable in dashboard.model()["templating"]["list"]:  # type: ignore[index]
        assert variable["datasource"]["uid"] in sources
        # All of the stages is also what it is when none can be listed, since no worker is there.
        assert variable["datasource"]["type"] != "prometheus" or variable["allValue"] == ".+"


@EACH
def test_every_variable_is_used_and_every_name_that_is_used_is_one(dashboard: Dashboard) -> None:
    text = json.dumps([panel for panel in _panels(dashboard) if panel["type"] != "row"])
    used = set(re.findall(r"\$\{?(?!__)([a-z]+)", text)) - {"rate", "data"}

    assert used == {variable.name for variable in dashboard.variables}


@EACH
def test_all_colours_are_of_one_palette(dashboard: Dashboard) -> None:
    found = set(re.findall(r"#[0-9A-Fa-f]{6}", json.dumps(dashboard.model())))

    assert found <= {*colours.PALETTE}
    assert not re.search(r'"(fixedColor|color)": "(?!#)\w', json.dumps(dashboard.model()))


def _seen(colour: str, deficiency: str) -> tuple[float, ...]:
    """A colour as a person without one kind of cones sees it: Viénot, Brettel and Mollon 1999, in linear RGB."""
    red, green, blue = ((int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5))
    if deficiency == "protan":
        mixed = 0.11238 * red + 0.88762 * green
        return mixed, mixed, 0.00401 * red - 0.00401 * green + blue
    if deficiency == "deutan":
        mixed = 0.29275 * red + 0.70725 * green
        return mixed, mixed, -0.02234 * red + 0.02234 * green + blue
    return red, green, blue


@pytest.mark.parametrize("deficiency", ["none", "protan", "deutan"])
def test_well_warning_and_critical_are_told_apart_by_everybody(deficiency: str) -> None:
    """What red and green are not: the same sum would be a tenth for those of equal lightness."""

    def distance(one: str, other: str) -> float:
        return sum(abs(a - b) for a, b in zip(_seen(one, deficiency), _seen(other, deficiency), strict=True))

    assert min(distance(one, other) for one, other in combinations((colours.WELL, colours.WARNING, colours.CRITICAL), 2)) > 0.25


def _steps(*thresholds: Threshold) -> list[tuple[float | None, str]]:
    panel = Panel("t", "d", Source.PROMETHEUS, Kind.STAT, Unit.NUMBER, (), thresholds=thresholds)
    _, drawn = _panels(Dashboard("u", "t", "d", (Row("r", (panel,)),)))
    return [(step["value"], step["color"]) for step in drawn["fieldConfig"]["defaults"]["thresholds"]["steps"]]


def test_thresholds_colour_what_is_wrong_and_nothing_else() -> None:
    assert _steps() == [(None, colours.WELL)]
    assert _steps(Threshold(5), Threshold(2, critical=False)) == [(None, colours.WELL), (2, colours.WARNING), (5, colours.CRITICAL)]
    assert _steps(Threshold(1, below=True)) == [(None, colours.CRITICAL), (1, colours.WELL)]
    assert _steps(Threshold(1, below=True), Threshold(3, critical=False, below=True)) == [
        (None, colours.CRITICAL), (1, colours.WARNING), (3, colours.WELL),
    ]  # fmt: skip
