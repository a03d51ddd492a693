"""The data dictionary says something about everything, and is up to date."""

from pathlib import Path

from sinks.clickhouse import ClickHouse
from sinks.dictionary import PARAMETERS, read_relations, render

LOYALTY = (
    "n promoters passives detractors top_box top_two_box score_sum score_sum_squares flagged revenue nps nps_low nps_high nps_excluded nps_bound_mid "
    "nps_bound_low"
)
OF_A_GRAIN = f"{LOYALTY} response_rate r_indicator nps_weighted validity_rate"
PROMISED = {
    "loyalty_daily": f"day unit_id channel metric {LOYALTY}",
    "loyalty_by_unit": f"unit_id metric {OF_A_GRAIN}",
    "loyalty_by_channel": f"channel metric {OF_A_GRAIN}",
    "loyalty_total": f"metric {OF_A_GRAIN}",
    "accounts": "account_id first_seen last_seen revenue refunds transactions products_owned last_score responses vdi feeling customer_focus_index "
    "quadrant loyalty_segment probability_alive expected_purchases lifetime_value value_share owned_offer_rate open_cases next_action",
    "growth_monthly": "month revenue nrr grr earned_new bought_new earned_growth_rate earned_growth_ratio induced_share logo_retention",
    "follow_up": "programme month due in_sla sla_attainment median_hours_to_contact rescue_rate feedback_debt told_rate lip_service_gap",
    "messages_monthly": "month selling value value_share offers owned_offers owned_offer_rate attention_errors",
    "drivers": "survey_id driver n performance lmg johnson priority",
    "linkage": "measure lag n correlation low high published",
    "grades": "grade n share revenue repurchase_rate",
    "prediction": "predictor auc low high n",
    "mixed_messages": "scorecard ratio ratio_paid conflicts",
    "integrity_units": "unit_id validity_rate e_value state families since nps_raw nps_excluded nps_bound_low",
    "findings": "finding_id unit_id plan_id detector family state since raised_at e_value response_ids evidence",
    "responses": "class top_box flagged flag_reasons withdrawn synthetic",
}
"""Columns that dashboards are written against."""
DICTIONARY = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_every_table_view_and_column_has_a_comment(embedded: ClickHouse) -> None:
    relations = read_relations(embedded)

    silent = [relation.about.name for relation in relations if not relation.about.comment]
    silent += [
        f"{relation.about.name}.{entry.name}" for relation in relations for entry in (*relation.columns, *relation.parameters) if not entry.comment
    ]
    silent += [relation.about.name for relation in relations if not relation.columns]
    assert silent == []
    assert len(relations) > 20


SAMPLES = {"as_of": "'2026-03-31'", "days": "28"}


def test_views_with_parameters_have_the_columns_that_calling_them_gives(embedded: ClickHouse) -> None:
    called = [relation for relation in read_relations(embedded) if relation.parameters]
    assert {relation.about.name for relation in called} >= {"loyalty_last_days", "account_segments_as_of"}
    assert all(relation.is_view for relation in called)
    assert {entry.name for relation in called for entry in relation.parameters} == set(PARAMETERS) == set(SAMPLES)

    for relation in called:
        arguments = ", ".join(f"{entry.name} = {SAMPLES[entry.name]}" for entry in relation.parameters)
        given = embedded.query(f"DESCRIBE TABLE {relation.about.name}({arguments})").to_pylist()
        assert [(entry.name, entry.kind) for entry in relation.columns] == [(row["name"], row["type"]) for row in given], relation.about.name
        assert f"FROM {relation.about.name}(" in relation.about.comment


def test_a_view_with_parameters_that_says_nothing_of_a_column_is_told(embedded: ClickHouse) -> None:
    embedded.command(
        "CREATE VIEW odd (`a` DateTime64(6, 'UTC') COMMENT 'It\\'s, (so) `b`', `silent` Array(Tuple(x String, y Float64)))"
        " AS SELECT toDateTime64({moment:String}, 6, 'UTC') AS a, [('', 0.5)] AS silent"
    )
    try:
        (odd,) = [relation for relation in read_relations(embedded) if relation.about.name == "odd"]
    finally:
        embedded.command("DROP VIEW odd")

    assert [(entry.name, entry.kind, entry.comment) for entry in odd.columns] == [
        ("a", "DateTime64(6, 'UTC')", "It's, (so) `b`"),
        ("silent", "Array(Tuple(x String, y Float64))", ""),
    ]
    assert [(entry.name, entry.kind, entry.comment) for entry in odd.parameters] == [("moment", "String", "")]


def test_the_committed_document_is_up_to_date(embedded: ClickHouse) -> None:
    assert DICTIONARY.read_text(encoding="utf-8") == render(read_relations(embedded)), f"run: python -m sinks.dictionary {DICTIONARY.name}"


def test_every_view_has_the_columns_that_dashboards_are_written_against(embedded: ClickHouse) -> None:
    held = {relation.about.name: {entry.name for entry in relation.columns} for relation in read_relations(embedded)}

    missing = [f"{view}.{name}" for view, names in PROMISED.items() for name in names.split() if name not in held.get(view, ())]

    assert not missing
