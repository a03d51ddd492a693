"""Where the files are, and what the shipped mapping makes of them."""

import os
from pathlib import Path

import pytest

from schemas.catalog import load_catalog
from streams.importing import Import, import_events, load_mapping

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "olist"
FOLDER = Path(os.environ.get("OLIST_FOLDER", ROOT.parent / "shared" / "data" / "olist"))


@pytest.fixture(scope="session")
def olist() -> Path:
    """The folder with the CSV files."""
    if not (FOLDER / "olist_orders_dataset.csv").is_file():
        pytest.fail(f"the Olist files are not in {FOLDER}; put the sample with its 8,135 orders there (see examples/olist/README.md)")
    return FOLDER


@pytest.fixture(scope="session")
def imported(olist: Path) -> Import:
    """The import of all files by the shipped mapping."""
    return import_events(load_mapping(EXAMPLE / "mapping.yaml"), olist, load_catalog(EXAMPLE / "catalog.yaml"))
