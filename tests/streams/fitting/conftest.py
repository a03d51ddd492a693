"""Published data sets with published answers. They are not shipped with the project: see the folder's README for what they are."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from streams.core.batch import Floats

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(os.environ.get("PUBLISHED_DATA_FOLDER", ROOT.parent / "shared" / "data"))


def read_columns(path: Path, *names: str) -> Floats:
    """The named columns of a CSV file, a row per record."""
    if not path.is_file():
        pytest.fail(f"{path} is not there; PUBLISHED_DATA_FOLDER must name the folder that holds cdnow and regression")
    with path.open(encoding="utf-8", newline="") as file:
        return np.array([[float(row[name]) for name in names] for row in csv.DictReader(file)])


@pytest.fixture(scope="session")
def cdnow() -> Floats:
    """The 2,357 customers of the CDNOW sample: frequency, recency and age in weeks, mean value of the purchases after the first."""
    found = read_columns(FOLDER / "cdnow" / "cdnow_customers_summary_with_transactions.csv", "x", "t_x", "T", "zbar")
    assert len(found) == 2357
    return found


@pytest.fixture(scope="session")
def swiss() -> Floats:
    """The 47 provinces of R's data set swiss: five drivers, then fertility, which they explain."""
    return read_columns(FOLDER / "regression" / "swiss.csv", "Agriculture", "Examination", "Education", "Catholic", "Infant.Mortality", "Fertility")


@pytest.fixture(scope="session")
def mtcars() -> Floats:
    """The 32 cars of R's data set mtcars: cylinders, displacement, horse power and gears, then miles a gallon."""
    return read_columns(FOLDER / "regression" / "mtcars.csv", "cyl", "disp", "hp", "gear", "mpg")
