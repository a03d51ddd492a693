"""The dashboards that come with the bundle: what customers say, which units look gamed, and what loyalty is worth. No score without its n."""

from dataclasses import dataclass

from sinks.semantic.declared import ANSWERS, FOLLOW_UP, GROWTH, INVITATIONS, LOYALTY, MESSAGES
from sinks.semantic.superset.charts import Chart, Kind, Only

_NPS = Only("metric", "nps")
_ALL = Only("period", "all")
_OVER = (Only("growth_month_is_over", True),)


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Rows of charts; the widths of a row add up to 12."""

    name: str
    title: str
    about: str
    rows: tuple[tuple[Chart, ...], ...]
    by_unit: bool = False
    """Whether readers choose units: where the charts' datasets know them."""


def _number(name: str, title: str, says: str, width: int) -> Chart:
    return Chart(name, title, says, Kind.NUMBER, LOYALTY, (name,), width=width, height=18)


SCORES = Dashboard(
    "candor-scores",
    "Candor: scores",
    "What customers say, with n and intervals, as given and without the flagged answers.",
    (
        (
            _number("nps", "NPS", "Net promoter score of the chosen days and units.", 2),
            _number("nps_n", "Responses", "Counted nps responses: what the score rests on.", 2),
            _number("nps_excluded", "NPS without the flagged", "The score without responses that carry a standing flag.", 3),
            _number("nps_excluded_n", "Responses without the flagged", "What that score rests on.", 3),
            _number("nps_bound_low", "NPS at worst", "The score if every flagged response were a detractor.", 2),
        ),
        (
            Chart(
                "nps_by_month", "NPS by month", "As given, without the flagged responses, and at worst. Months with 30 responses and more.",
                Kind.LINE, LOYALTY, ("nps", "nps_excluded", "nps_bound_low"), time="answered_on_month", cases=("nps_n",), width=8,
            ),
            Chart(
                "nps_n_by_month", "Responses by month", "Counted nps responses, and those of them without a standing flag.", Kind.BARS, LOYALTY,
                ("nps_n", "nps_excluded_n"), time="answered_on_month", width=4,
            ),
        ),
        (
            Chart(
                "nps_interval", "NPS per 28 days, in its interval",
                "All units. The interval holds the true score 95 times in 100. Intervals that overlap much say: no change.",
                Kind.LINE, "loyalty_total", ("nps_low_at_grain", "nps_at_grain", "nps_high_at_grain"), time="window_start",
                only=(_NPS, Only("period", "28 days")), width=8,
            ),
            Chart(
                "nps_interval_n", "Responses per 28 days", "Counted nps responses of the same windows.", Kind.BARS, "loyalty_total", ("n_at_grain",),
                time="window_start", only=(_NPS, Only("period", "28 days")), width=4,
            ),
        ),
        (
            Chart(
                "nps_by_unit", "Units, over all days",
                "Score, 95 % interval, without the flagged, at worst. Units whose intervals overlap much are not to be ranked.",
                Kind.TABLE, "loyalty_by_unit",
                by=("unit_id", "n", "nps", "nps_low", "nps_high", "nps_excluded", "nps_bound_low", "validity_rate", "response_rate"),
                only=(_NPS, _ALL), most_first="n", width=12, height=50,
            ),
        ),
        (
            Chart(
                "nps_by_channel", "Channels", "Net promoter score and validity by channel.", Kind.TABLE, LOYALTY,
                ("counted", "nps", "nps_n", "nps_excluded", "nps_excluded_n", "validity_rate"), ("channel",),
                only=(Only("score_metric", "nps"),), most_first="counted",
            ),
            Chart(
                "nps_by_survey", "Surveys", "Net promoter score by survey.", Kind.TABLE, ANSWERS, ("survey_nps_n", "survey_nps"), ("survey",),
                only=(Only("score_metric", "nps"),), most_first="survey_nps_n",
            ),
        ),
        (
            Chart(
                "top_two_box_by_month", "Satisfaction, effort and ratings by month",
                "Share of responses in the two best steps of each scale. Months with 30 responses and more.",
                Kind.LINE, LOYALTY, ("csat_top_two_box", "ces_top_two_box", "rating_top_two_box"), time="answered_on_month",
                cases=("csat_n", "ces_n", "rating_n"),
            ),
            Chart(
                "steps_n_by_month", "Their responses by month", "Counted responses of these metrics.", Kind.BARS, LOYALTY,
                ("csat_n", "ces_n", "rating_n"), time="answered_on_month",
            ),
        ),
        (
            Chart(
                "response_rate_by_month", "Response rate by month",
                "Share of invitations that a counted response answered. Months with 30 invitations and more.",
                Kind.LINE, INVITATIONS, ("response_rate",), time="sent_on_month", cases=("invitations_n",),
            ),
            Chart(
                "response_rate_by_unit", "Response rate by unit", "Who was asked, and who answered.", Kind.TABLE, INVITATIONS,
                ("invitations_n", "invitations_answered", "response_rate"), ("unit",), most_first="invitations_n",
            ),
        ),
    ),
    by_unit=True,
)  # fmt: skip

INTEGRITY = Dashboard(
    "candor-integrity",
    "Candor: which scores look gamed",
    "Units and findings with their evidence, and what scores are worth without the flagged answers. Nothing is deleted.",
    (
        (
            Chart(
                "integrity_units", "Units", "investigate: one kind of evidence; suspect: two, and answers that carry the signs are flagged.",
                Kind.TABLE, "integrity_units",
                by=("unit_id", "state", "since", "e_value", "n", "flagged", "validity_rate", "n_nps", "nps_raw", "nps_excluded", "nps_bound_low"),
                most_first="e_value", width=12,
            ),
        ),
        (
            Chart(
                "findings", "Findings", "What was found at whom, how much at most would be expected, and what was decided about it.", Kind.TABLE,
                "findings",
                by=(
                    "finding_id", "unit_id", "detector", "family", "state", "since", "raised_on", "found", "at_most", "looked_at", "e_value",
                    "decision", "decided_by",
                ),
                most_first="raised_on", width=12, height=50,
            ),
        ),
        (
            Chart(
                "validity_by_month", "Validity rate by month",
                "Share of counted responses without a standing flag. Months with 30 responses and more.",
                Kind.LINE, LOYALTY, ("validity_rate",), time="answered_on_month", cases=("counted",),
            ),
            Chart(
                "flagged_by_month", "Responses of all metrics by month", "Counted responses, and those of them with a standing flag.", Kind.BARS,
                LOYALTY, ("counted", "flagged"), time="answered_on_month",
            ),
        ),
        (
            Chart(
                "satisfaction_by_channel", "Satisfaction by channel, without the flagged and at worst",
                "Share of csat responses in the two best steps: of all, without the flagged, and if no flagged one were there.",
                Kind.TABLE, LOYALTY,
                ("csat_n", "csat_top_two_box", "csat_excluded_n", "csat_excluded_top_two_box", "csat_bound_low_top_two_box"), ("channel",),
                only=(Only("score_metric", "csat"),), most_first="csat_n", width=12, height=30,
            ),
        ),
        (
            Chart(
                "integrity_funnel", "Units against their peers", "Share of the best answers beside what peers with as many answers would have.",
                Kind.TABLE, "integrity_funnel", by=("unit_id", "rate_n", "rate", "rate_expected", "rate_low", "rate_high", "q_value", "named"),
                only=(_NPS,), most_first="rate_n", width=12, height=50,
            ),
        ),
        (
            Chart(
                "integrity_from_first_day", "Units against their peers, from the first day on",
                "Evidence that may be looked at daily: named from e_value_needed on. Sees what was gamed from the first day.",
                Kind.TABLE, "integrity_from_first_day",
                by=(
                    "unit_id", "first_day", "rate_n", "rate", "rate_expected", "shape_n", "shape", "shape_expected", "e_value", "e_value_needed",
                    "e_value_max", "named",
                ),
                only=(_NPS,), most_first="e_value", width=12, height=50,
            ),
        ),
    ),
    by_unit=True,
)  # fmt: skip

VALUE = Dashboard(
    "candor-value",
    "Candor: what loyalty is worth",
    "Retention and growth, what was done about feedback, messages, and what scores say of buying again.",
    (
        (
            Chart(
                "retention_by_month", "Retention by month", "Net and gross retention of revenue, and of customers. Months that are over.", Kind.LINE,
                GROWTH, ("nrr", "grr", "logo_retention"), time="growth_month", only=_OVER,
            ),
            Chart(
                "new_by_month", "New revenue: earned and bought", "Revenue of new customers by referral or recommendation, and by advertising, "
                "promotion or sales, over the revenue of the month before. Months that are over.", Kind.BARS, GROWTH, ("earned_new", "bought_new"),
                time="growth_month", only=_OVER, stacked=True,
            ),
        ),
        (
            Chart(
                "revenue_by_month", "Revenue by month", "Completed minus refunded, in the base currency.", Kind.BARS, GROWTH, ("revenue",),
                time="growth_month",
            ),
            Chart(
                "customers_by_month", "Customers by month", "Customers of the month before, and those who bought again. Months that are over.",
                Kind.BARS, GROWTH, ("customers_kept", "customers_before"), time="growth_month", only=_OVER,
            ),
        ),
        (
            Chart(
                "revenue_at_risk_by_unit", "Revenue at risk by unit",
                "Accounts that are trapped or high_risk in the loyalty matrix, and what they bring, by the unit that they rated last.", Kind.TABLE,
                "revenue_at_risk_by_unit",
                by=(
                    "unit_id", "accounts", "accounts_at_risk", "at_risk_share", "at_risk_share_low", "at_risk_share_high", "revenue_last_year",
                    "revenue_at_risk_last_year", "currency",
                ),
                most_first="revenue_at_risk_last_year",
            ),
            Chart(
                "engagement_by_segment", "Engagement by segment", "Share of the last 28 days on which accounts of each segment were active.",
                Kind.TABLE, "engagement_by_segment",
                by=("loyalty_segment", "accounts", "active_accounts", "engagement", "engagement_low", "engagement_high"), most_first="accounts",
            ),
        ),
        (
            Chart(
                "follow_up_by_programme", "Follow-up by programme", "Contact in time, detractors won back, customers told.", Kind.TABLE, FOLLOW_UP,
                (
                    "cases_due", "sla_attainment", "detractors_contacted", "rescue_rate", "acted_upon", "told_rate", "feedback_debt",
                ), ("programme",), most_first="cases_due", width=12, height=30,
            ),
        ),
        (
            Chart(
                "sla_by_month", "Contact in time by month",
                "Share of cases whose customer was contacted by the due time. Months with 30 cases and more.",
                Kind.LINE, FOLLOW_UP, ("sla_attainment",), time="follow_up_month", cases=("cases_due",),
            ),
            Chart(
                "cases_by_month", "Cases by month", "Cases whose due time has passed.", Kind.BARS, FOLLOW_UP, ("cases_due",), time="follow_up_month",
            ),
        ),
        (
            Chart(
                "messages_by_month", "Messages by month",
                "Value messages among those that teach or sell; offers of what the account owned. Months with 30 messages and more.",
                Kind.LINE, MESSAGES, ("value_share", "owned_offer_rate"), time="message_month", cases=("messages_of_value_or_selling",),
            ),
            Chart(
                "messages_n_by_month", "Their number by month", "Messages that teach or sell, and products offered.", Kind.BARS, MESSAGES,
                ("messages_of_value_or_selling", "offers"), time="message_month",
            ),
        ),
        (
            Chart(
                "grades", "Grades", "Customers by grade, what they bring, and how many buy again.", Kind.TABLE, "grades",
                by=("grade", "n", "share", "revenue", "judged", "repurchase_rate"), most_first="n",
            ),
            Chart(
                "drivers", "Drivers", "What drives each survey's score, with its interval; after candor fit.", Kind.TABLE, "drivers",
                by=("survey_id", "driver", "n", "performance", "lmg", "lmg_low", "lmg_high", "priority"), most_first="priority",
            ),
        ),
    ),
)  # fmt: skip

DASHBOARDS = (SCORES, INTEGRITY, VALUE)
