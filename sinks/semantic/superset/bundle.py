"""The files that Superset imports, in the layout of its own export."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from sinks.dictionary import Relation
from sinks.semantic.declared import CUBES
from sinks.semantic.generated import Node, as_yaml
from sinks.semantic.superset.charts import VERSION, dataset_name, identity
from sinks.semantic.superset.dashboards import DASHBOARDS, Dashboard
from sinks.semantic.superset.datasets import DATABASE, of_cube, of_view

FOLDER = PurePosixPath("deploy/superset/candor")
# The user that `candor migrate --reader bi` makes. The mask is Superset's own: it asks for the password while it imports, and keeps it encrypted.
ADDRESS = "clickhousedb://bi:XXXXXXXXXX@localhost:8123/candor"


def bundle_files(relations: Sequence[Relation]) -> dict[str, str]:
    """Path of each file from the root of the project, and its text."""
    by_name = {relation.about.name: relation for relation in relations}
    columns = {name: {column.name: column for column in relation.columns} for name, relation in by_name.items()}
    charts = [chart for dashboard in DASHBOARDS for row in dashboard.rows for chart in row]
    views = sorted({chart.of for chart in charts if isinstance(chart.of, str)})
    # No type: with it, either the page's import or that of all assets would refuse the bundle.
    nodes: dict[str, Node] = {
        "metadata.yaml": {"version": VERSION, "timestamp": "2026-01-01T00:00:00+00:00"},
        f"databases/{DATABASE}.yaml": _database(),
        **{f"datasets/{DATABASE}/{dataset_name(cube)}.yaml": of_cube(cube, columns[cube.view]) for cube in CUBES},
        **{f"datasets/{DATABASE}/{view}.yaml": of_view(by_name[view]) for view in views},
        **{f"charts/{chart.name}.yaml": chart.node() for chart in charts},
        **{f"dashboards/{dashboard.name}.yaml": _dashboard(dashboard) for dashboard in DASHBOARDS},
    }
    return {str(FOLDER / path): as_yaml(node) for path, node in nodes.items()}


def _database() -> Node:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": ADDRESS,
        "cache_timeout": None,
        "expose_in_sqllab": True,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": True, "metadata_params": {}, "engine_params": {}},
        "uuid": identity("database", DATABASE),
        "version": VERSION,
    }


def _dashboard(dashboard: Dashboard) -> Node:
    return {
        "dashboard_title": dashboard.title,
        "description": dashboard.about,
        "css": "",
        "slug": dashboard.name,
        "uuid": identity("dashboard", dashboard.name),
        "position": _position(dashboard),
        "metadata": {
            "native_filter_configuration": _filters(dashboard),
            "color_scheme": "",
            "cross_filters_enabled": True,
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
            "expanded_slices": {},
        },
        "version": VERSION,
        "published": True,
    }


def _position(dashboard: Dashboard) -> Node:
    """Where each chart stands. Superset gives charts their numbers; here they only have to differ."""
    placed: Node = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": dashboard.title}},
    }
    rows = []
    number = 0
    for at, row in enumerate(dashboard.rows, 1):
        row_id = f"ROW-{at}"
        rows.append(row_id)
        above = ["ROOT_ID", "GRID_ID"]
        children = [f"CHART-{chart.name}" for chart in row]
        placed[row_id] = {"id": row_id, "type": "ROW", "children": children, "parents": above, "meta": {"background": "BACKGROUND_TRANSPARENT"}}
        for chart in row:
            number += 1
            meta = {"uuid": identity("chart", chart.name), "chartId": number, "sliceName": chart.title, "width": chart.width, "height": chart.height}
            chart_id = f"CHART-{chart.name}"
            placed[chart_id] = {"id": chart_id, "type": "CHART", "children": [], "parents": [*above, row_id], "meta": meta}
    placed["GRID_ID"] = {"id": "GRID_ID", "type": "GRID", "children": rows, "parents": ["ROOT_ID"]}
    return placed


def _filters(dashboard: Dashboard) -> list[Node]:
    """Days for every chart that knows them, and units."""
    found = [_filter("days", "Days", "filter_time", {}, {})]
    if dashboard.by_unit:
        target: Node = {"column": {"name": "unit"}, "datasetUuid": identity("dataset", "candor_loyalty")}
        found.append(_filter("unit", "Unit", "filter_select", target, {"multiSelect": True, "searchAllOptions": True}))
    return found


def _filter(name: str, title: str, kind: str, target: Node, control: Node) -> Node:
    return {
        "id": f"NATIVE_FILTER-{name}",
        "name": title,
        "description": "Charts whose rows do not know it are not changed.",
        "filterType": kind,
        "targets": [target],
        "controlValues": {"enableEmptyFilter": False, **control},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "type": "NATIVE_FILTER",
    }
