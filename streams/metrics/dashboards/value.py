"""The dashboard of value: what customers got for their money, whether growth was earned, and what messages do to them."""

from collections.abc import Iterator

from streams.metrics.dashboards.colours import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from streams.metrics.dashboards.model import Dashboard, Kind, Look, Panel, Row, Source, Unit, Variable
from streams.metrics.dashboards.sql import columns, drawn, numbers, pair, table

_MONEY = Unit.NUMBER
"""The base currency stands in the titles; it is known only when a dashboard is shown."""
_N = Look("n", unit=Unit.NUMBER, colour=GREY, bars=True, right=True)


def _months(view: str, selected: str) -> str:
    return f"""\
SELECT toDateTime(month, 'UTC') AS time, {selected}
FROM {view}
WHERE $__dateFilter(month)
ORDER BY time WITH FILL STEP INTERVAL 1 MONTH"""


def _value() -> Iterator[Panel]:
    yield numbers(
        "Value delivered, all accounts",
        "Value delivered index over all accounts with outcomes (0: nothing of what was aimed at, 1: all), whoever vouches for it; "
        "n: accounts, outcomes, and outcomes that customers vouch for.",
        Unit.SHARE,
        """\
SELECT toInt64(count()) AS n, sum(outcomes) AS all_outcomes, sum(outcomes_attested) AS attested_outcomes,
    sum(weighted_progress) / nullIf(sum(weight), 0) AS delivered
FROM value_delivered""",
        looks=columns(Unit.NUMBER, "n", "all_outcomes", "attested_outcomes"),
    )  # fmt: skip
    yield numbers(
        "Money value, all accounts ($currency)",
        "What customers vouch for alone, jointly with us, what only we say, and what was promised. proof: attested over promised; per_revenue: "
        "attested "
        "over what customers paid.",
        _MONEY,
        """\
SELECT toFloat64(sum(value_attested)) AS attested, toFloat64(sum(value_joint)) AS joint, toFloat64(sum(value_vendor)) AS vendor,
    toFloat64(sum(value_claimed)) AS claimed, attested / nullIf(claimed, 0) AS proof, attested / nullIf(toFloat64(sum(revenue)), 0) AS per_revenue
FROM value_delivered""",
        looks=(Look("proof", unit=Unit.SHARE),),
    )  # fmt: skip
    yield drawn(
        "Accounts by value and feeling",
        "thriving: much value, feel well; served_not_loved; loved_not_served; at_risk: neither. Accounts of which both are known.",
        Unit.NUMBER,
        """\
SELECT CAST(assumeNotNull(quadrant) AS String) AS quadrant, toInt64(count()) AS accounts
FROM accounts
WHERE accounts.quadrant IS NOT NULL
GROUP BY quadrant
ORDER BY indexOf(['thriving', 'served_not_loved', 'loved_not_served', 'at_risk'], quadrant)""",
        kind=Kind.BARS, width=8, looks=(Look("accounts", colour=BLUE),), low=0,
    )  # fmt: skip
    yield table(
        "Accounts that are not thriving, most revenue first",
        "Accounts that got little value or feel unwell: value delivered, feeling (newest response, 0 to 1) with its number of responses, revenue in "
        "$currency, and open cases.",
        """\
SELECT account_id AS account, CAST(assumeNotNull(quadrant) AS String) AS quadrant, vdi AS delivered, feeling, responses AS n,
    toFloat64(revenue) AS revenue,
    open_cases
FROM accounts
WHERE accounts.quadrant IN ('served_not_loved', 'loved_not_served', 'at_risk')
ORDER BY accounts.revenue DESC, account
LIMIT 100""",
        looks=(*columns(Unit.SHARE, "delivered", "feeling"), *columns(Unit.NUMBER, "n", "revenue", "open_cases")), width=16, height=8,
    )  # fmt: skip
    yield table(
        "What contact is worth ($currency)",
        "Revenue kept in the half year after a bad score from customers who were contacted, against comparable ones who were not, with its 95 % "
        "interval, "
        "per account; n: contacted and comparable accounts. No experiment: whom the company chose to contact may differ.",
        """\
SELECT programme, contacted AS n, not_contacted AS n_comparable, revenue_contacted, revenue_comparable, revenue_lift AS lift, revenue_lift_low AS low,
    revenue_lift_high AS high
FROM retained_revenue
ORDER BY n DESC, programme""",
        looks=columns(Unit.NUMBER, "n", "n_comparable", "revenue_contacted", "revenue_comparable", "lift", "low", "high"), width=12, height=7,
    )  # fmt: skip
    yield table(
        "Grades",
        "How customers grade what they got against what they expected and what competitors give (A best); n responses, revenue of the purchases that "
        "they name in $currency, and the share that bought again of those old enough to tell.",
        """\
SELECT CAST(grade AS String) AS grade, n, share, toFloat64(revenue) AS revenue, judged, repurchase_rate
FROM grades
ORDER BY grade""",
        looks=(*columns(Unit.NUMBER, "n", "revenue", "judged"), *columns(Unit.SHARE, "share", "repurchase_rate")), width=12, height=7,
    )  # fmt: skip


def _growth() -> Iterator[Panel]:
    yield drawn(
        "Revenue, by why it came ($currency)",
        "Revenue of each month: kept (customers of the month before), earned (came by referral or recommendation), bought (advertising, "
        "promotion, sales), "
        "other new, and the rest.",
        _MONEY,
        _months(
            "growth_monthly",
            "toFloat64(kept_revenue) AS kept, toFloat64(earned_new_revenue) AS earned, toFloat64(bought_new_revenue) AS bought, "
            "toFloat64(other_new_revenue) AS other_new, toFloat64(other_revenue) AS rest",
        ),
        stacked=True,
        looks=(
            Look("kept", colour=BLUE), Look("earned", colour=GREEN), Look("bought", colour=ORANGE), Look("other_new", colour=SKY),
            Look("rest", colour=GREY),
        ),
    )  # fmt: skip
    yield drawn(
        "Retention of revenue and customers",
        "Of the revenue of the month before: nrr, what its customers bring now; grr, the same without what grew. logo_retention: share of its "
        "customers "
        "who bought again; n: those customers.",
        Unit.SHARE,
        _months("growth_monthly", "nrr, grr, logo_retention, customers_before AS n"),
        looks=(*pair("nrr", "grr"), Look("logo_retention", colour=GREEN), _N), low=0,
    )  # fmt: skip
    yield drawn(
        "Earned growth",
        "earned_growth_rate: growth by customers who stay and who recommend, as a share of the revenue of the month before. induced_share: share "
        "of what "
        "was sold with large discounts, to new customers who were bought, or by merger. n: customers of the month.",
        Unit.SHARE,
        _months("growth_monthly", "earned_growth_rate, induced_share, customers AS n"), looks=(*pair("earned_growth_rate", "induced_share"), _N),
    )  # fmt: skip
    yield drawn(
        "Do promoters recommend?",
        "Share of the month's customers who came by referral, and share of those who answered as promoters whom a new customer named within half "
        "a year "
        "(the last half year is not over); n: promoters.",
        Unit.SHARE,
        _months("referrals_monthly", "referral_rate, actual_promoter_rate, promoters AS n"),
        looks=(*pair("referral_rate", "actual_promoter_rate"), _N), low=0,
    )  # fmt: skip


def _messages() -> Iterator[Panel]:
    yield drawn(
        "Messages that sell, and that help", "Messages of each month that sell or upsell, and that teach customers to get more value.", Unit.NUMBER,
        _months("messages_monthly", "selling, value AS helping, messages AS n"), width=8,
        looks=(*pair("selling", "helping"), Look("n", unit=Unit.NUMBER, colour=GREY)), low=0,
    )  # fmt: skip
    yield drawn(
        "Share that helps", "Of the messages that sell or help, the share that helps; n: such messages.", Unit.SHARE,
        _months("messages_monthly", "value_share, value + selling AS n"), width=8, looks=(Look("value_share", colour=BLUE), _N), low=0, high=1,
    )  # fmt: skip
    yield drawn(
        "Offers that do not mind the customer",
        "Of all offers: the share of products that the account owned already, and the share that was owned or sent while a case was open; n: offers.",
        Unit.SHARE,
        _months("messages_monthly", "owned_offer_rate, attention_error_rate, offers AS n"), width=8,
        looks=(Look("owned_offer_rate", colour=PURPLE), Look("attention_error_rate", colour=VERMILLION, dashed=True), _N), low=0,
    )  # fmt: skip


VALUE = Dashboard(
    "candor-value",
    "Candor value",
    "What customers got for their money, whether growth was earned or bought, and what messages do to customers.",
    (Row("Value delivered", tuple(_value())), Row("Growth", tuple(_growth())), Row("Messages", tuple(_messages()))),
    (Variable("currency", "Currency", Source.CLICKHOUSE, "SELECT base_currency FROM base_currency FINAL LIMIT 1", hidden=True),),
    since="now-1y",
    refresh="",
)
