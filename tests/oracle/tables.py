"""Everything at once: what every view must hold for a list of records."""

from collections.abc import Iterable
from fractions import Fraction

from tests.oracle import asking, facts, follow_up, grades, growth, loyalty, messages, recovery, representation, value
from tests.oracle.accept import accept
from tests.oracle.accounts import accounts
from tests.oracle.records import Catalog, Horizons, Record, Row, Rows

VIEWS = (
    "responses",
    "transactions",
    "invitations",
    "communications",
    "cases",
    "outcomes",
    "operations",
    "dead_letters",
    "loyalty_daily",
    "loyalty_by_unit",
    "loyalty_by_channel",
    "loyalty_total",
    "invitation_outcomes",
    "accounts",
    "account_months",
    "growth_monthly",
    "referrals_monthly",
    "message_attention",
    "messages_monthly",
    "value_delivered",
    "survey_chances",
    "response_strata",
    "representation",
    "revenue_weighted_loyalty",
    "follow_up_cases",
    "feedback_debts",
    "follow_up",
    "follow_up_plans",
    "recovered_detractors",
    "retained_revenue",
    "graded_responses",
    "grades",
)


def tables(
    records: Iterable[Record], catalog: Catalog | None = None, horizons: Horizons | None = None, flags: facts.Flags | None = None
) -> dict[str, Rows]:
    """The rows of every view by name, each by its business key; records of a topic and partition count in the order of their offsets.

    What is flagged is given: what the detectors make of it is not the oracle's to say.
    """
    flags = flags or {}
    catalog = catalog or Catalog()
    accepted = accept(records, catalog, horizons or Horizons())
    events = accepted.events
    plain = {"cases" if topic == "actions" else topic: facts.facts(events, topic, key, catalog) for topic, key in facts.KEYS.items()}
    counted = loyalty.counted_responses(events, catalog, flags)
    asked = asking.invitations_asked(events, catalog)
    known = accounts(events, catalog)
    chances = representation.chances(events, catalog)
    company = follow_up.Company(events, catalog, known)
    debts, recovered = follow_up.feedback_debts(company), recovery.recovered_detractors(company)
    graded = grades.graded_responses(events, catalog)
    heard = representation.representation(chances)
    attention = messages.message_attention(events, catalog)
    delivered = value.value_delivered(events, known)
    return plain | {
        "responses": facts.responses(events, catalog, flags),
        "transactions": facts.transactions(events, catalog),
        "dead_letters": facts.dead_letters(accepted.dead_letters),
        "loyalty_daily": loyalty.daily(counted),
        "loyalty_by_unit": representation.with_representation(
            asking.with_response_rates(loyalty.by_unit(counted), asked, lambda one: (one.event.fields["unit_id"],)), heard, "unit", 1
        ),
        "loyalty_by_channel": representation.with_representation(
            asking.with_response_rates(loyalty.by_channel(counted), asked, lambda one: (one.event.fields["channel"],)), heard, "channel", 1
        ),
        "loyalty_total": representation.with_representation(
            asking.with_response_rates(loyalty.total(counted), asked, lambda _: ()), heard, "total", 0
        ),
        "invitation_outcomes": asking.outcomes(asked),
        "accounts": _accounts(known, delivered, value.feelings(events), messages.of_accounts(attention)),
        "account_months": growth.account_months(events, catalog),
        "growth_monthly": growth.growth_monthly(events, catalog),
        "referrals_monthly": growth.referrals_monthly(events, catalog),
        "message_attention": attention,
        "messages_monthly": messages.messages_monthly(attention),
        "value_delivered": delivered,
        "survey_chances": representation.survey_chances(chances),
        "response_strata": representation.response_strata(chances),
        "representation": heard,
        "revenue_weighted_loyalty": representation.revenue_weighted(events, catalog),
        "follow_up_cases": follow_up.follow_up_cases(company),
        "feedback_debts": debts,
        "follow_up": follow_up.follow_up(company, debts),
        "follow_up_plans": follow_up.follow_up_plans(company),
        "recovered_detractors": recovered,
        "retained_revenue": recovery.retained_revenue(recovered),
        "graded_responses": graded,
        "grades": grades.grades(graded),
    }


def _accounts(known: Rows, delivered: Rows, feelings: dict[str, Fraction], told: Rows) -> Rows:
    nothing: Row = {"vdi": None, "value_share": None, "owned_offer_rate": None}
    return {
        key: row
        | value.focus(delivered.get(key, nothing)["vdi"], feelings.get(str(row["account_id"])), row["open_cases"])
        | {name: told.get(key, nothing)[name] for name in ("value_share", "owned_offer_rate")}
        for key, row in known.items()
    }
