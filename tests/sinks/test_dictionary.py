"""The data dictionary says something about everything, and is up to date."""

from pathlib import Path

from sinks.clickhouse import ClickHouse
from sinks.dictionary import read_relations, render

DICTIONARY = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_every_table_view_and_column_has_a_comment(embedded: ClickHouse) -> None:
    relations = read_relations(embedded)

    silent = [relation.about.name for relation in relations if not relation.about.comment]
    silent += [f"{relation.about.name}.{entry.name}" for relation in relations for entry in relation.columns if not entry.comment]
    assert silent == []
    assert len(relations) > 20


def test_only_views_with_parameters_have_no_columns(embedded: ClickHouse) -> None:
    assert [relation.about.name for relation in read_relations(embedded) if not relation.columns] == [
        "growth_last_days",
        "integrity_funnel_last_days",
        "loyalty_last_days",
        "messages_last_days",
        "purchase_history_as_of",
    ]


def test_the_committed_document_is_up_to_date(embedded: ClickHouse) -> None:
    assert DICTIONARY.read_text(encoding="utf-8") == render(read_relations(embedded)), f"run: python -m sinks.dictionary {DICTIONARY.name}"
