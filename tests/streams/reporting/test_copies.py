"""Copies say what the views say, of a company of which every view has something to say, and a report of them is the same report."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from sinks.clickhouse import ClickHouse
from sinks.copies import Copies, copied_at, database_of_copies, is_copied
from sinks.dictionary import Relation, read_relations
from sinks.semantic.grains import GRAINS
from streams.reporting import Asked, ReportSource, render
from streams.simulate import Plan
from tests.streams.reporting.conftest import Page, simulated


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    """A small one: most views have something to say of it."""
    with simulated(tmp_path_factory.mktemp("company"), Plan(events=8_000, units=8, accounts=400, months=5, gamed_share=0.2)) as clickhouse:
        yield clickhouse


@pytest.fixture(scope="module")
def copies(company: ClickHouse) -> Iterator[ClickHouse]:
    """The database of the copies of the company's views."""
    made = list(Copies(company).make())
    assert not [one for one in made if one.problem]
    assert sum(one.rows > 0 for one in made) > len(made) / 2
    with closing(ClickHouse(database_of_copies(company.address))) as clickhouse:
        yield clickhouse


def _rows(clickhouse: ClickHouse, relation: Relation) -> pa.Table:
    key = ", ".join(GRAINS.get(relation.about.name, ())) or "ALL"
    return clickhouse.query(f"SELECT * FROM {relation.about.name} ORDER BY {key}")


def _is_same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(one.type):
        # Sums of floats depend on the order in which they are added up.
        found, expected = (column.to_numpy(zero_copy_only=False).astype(float) for column in (one, other))
        return np.allclose(found, expected, equal_nan=True)
    return bool(one.to_pylist() == other.to_pylist())


def test_every_view_says_the_same_where_it_is_copied_and_where_it_is_followed(company: ClickHouse, copies: ClickHouse) -> None:
    relations = [
        relation for relation in read_relations(company) if relation.is_view and not relation.parameters and relation.about.name != "dead_letters"
    ]
    assert {"transactions", "loyalty_total", "growth_monthly"} <= {relation.about.name for relation in relations}

    for relation in relations:
        one, other = _rows(company, relation), _rows(copies, relation)
        assert one.column_names == other.column_names
        assert one.num_rows == other.num_rows, relation.about.name
        assert [name for name in one.column_names if not _is_same(one.column(name), other.column(name))] == [], relation.about.name


def test_columns_keep_their_meaning(company: ClickHouse, copies: ClickHouse) -> None:
    there = {relation.about.name: relation for relation in read_relations(copies)}
    for relation in read_relations(company):
        if is_copied(relation):
            assert there[relation.about.name].columns == relation.columns
            assert there[relation.about.name].about.comment == relation.about.comment


def test_a_report_of_copies_is_the_same_and_says_of_when_they_are(copies: ClickHouse, page: Page, whole: Asked) -> None:
    source = ReportSource(copies)
    read = source.numbers(source.scope(whole))

    assert read.copied_at == copied_at(copies)
    assert Page(render(replace(read, copied_at=None))).tables == page.tables
    assert f"the oldest of which was made on {read.copied_at:%Y-%m-%d %H:%M} UTC" in render(read)
    assert "Read from copies" not in page.html
