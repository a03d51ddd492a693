"""Scores as ratios of sums, declared once.

Nothing that may be added up is a score, and every score is a sum over a sum. So the score of any group is computed from the sums of its parts,
however the parts were cut.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sum:
    """What may be added up over any rows of its cube. ``expression`` is SQL over columns of the view; empty: the column of that name."""

    name: str
    meaning: str
    unit: str
    expression: str = ""

    @property
    def sql(self) -> str:
        """What is summed."""
        return self.expression or self.name


@dataclass(frozen=True, slots=True)
class Dimension:
    """What sums may be grouped by. Of ``time``, the finest step: day or month; empty where it is no time."""

    name: str
    column: str
    time: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """``over`` divided by ``under``, two sums of the same cube; NULL where ``under`` is 0. ``n`` says how much it rests on."""

    name: str
    label: str
    meaning: str
    unit: str
    over: str
    under: str
    n: str


@dataclass(frozen=True, slots=True)
class Cube:
    """Sums over the rows of one view that meet ``only``, and the scores made of them. The first dimension of time is the one they go by."""

    name: str
    view: str
    meaning: str
    row: str
    entities: tuple[tuple[str, str], ...]
    """Name and column of what each row belongs to."""
    dimensions: tuple[Dimension, ...]
    sums: tuple[Sum, ...]
    scores: tuple[Score, ...]
    only: str = ""


_POINTS = "points, -100 to 100"
_SHARE = "share, 0 to 1"
_RESPONSES = "responses"
_MONEY = "base currency"
_UNIT = ("unit", "unit_id")


def _of_metric(metric: str, column: str) -> str:
    return f"case when metric = '{metric}' then {column} else 0 end"


def _loyalty(metric: str, label: str) -> tuple[tuple[Sum, ...], tuple[Score, ...]]:
    """Sums and scores of a metric whose answers lie on a scale of few steps."""
    n = Sum(f"{metric}_n", f"Counted {label} responses.", _RESPONSES, _of_metric(metric, "n"))
    best = Sum(f"{metric}_top_two_box_n", f"{label} responses in the two best steps of the scale.", _RESPONSES, _of_metric(metric, "top_two_box"))
    total = Sum(f"{metric}_score_sum", f"Sum of {label} scores, mapped to the default scale.", "steps", _of_metric(metric, "score_sum"))
    left = Sum(f"{metric}_excluded_n", f"Counted {label} responses without a standing flag.", _RESPONSES, _of_metric(metric, "n - flagged"))
    left_best = Sum(
        f"{metric}_excluded_top_two_box_n",
        f"{label} responses in the two best steps of the scale, the flagged left out.",
        _RESPONSES,
        _of_metric(metric, "top_two_box - flagged_top_two_box"),
    )
    left_total = Sum(
        f"{metric}_excluded_score_sum",
        f"Sum of {label} scores, mapped to the default scale, the flagged left out.",
        "steps",
        _of_metric(metric, "score_sum - flagged_score_sum"),
    )
    scores = (
        Score(
            f"{metric}_top_two_box", f"{label} top two box", f"Share of {label} responses in the two best steps.", _SHARE, best.name, n.name, n.name
        ),
        Score(
            f"{metric}_excluded_top_two_box",
            f"{label} top two box without the flagged",
            f"{metric}_top_two_box without flagged responses.",
            _SHARE,
            left_best.name,
            left.name,
            left.name,
        ),
        Score(
            f"{metric}_bound_low_top_two_box",
            f"{label} top two box at worst",
            f"{metric}_top_two_box if no flagged response were in the two best steps.",
            _SHARE,
            left_best.name,
            n.name,
            n.name,
        ),
        Score(f"{metric}_mean", f"Mean {label}", f"Mean {label} score on the default scale.", "steps", total.name, n.name, n.name),
        Score(
            f"{metric}_excluded_mean",
            f"Mean {label} without the flagged",
            f"{metric}_mean without flagged responses.",
            "steps",
            left_total.name,
            left.name,
            left.name,
        ),
    )
    return (n, best, total, left, left_best, left_total), scores


_STEPS = tuple(_loyalty(metric, label) for metric, label in (("csat", "CSAT"), ("ces", "CES"), ("rating", "rating")))

LOYALTY = Cube(
    "loyalty",
    "loyalty_daily",
    "Scores by local day, unit and channel, from daily sums.",
    "loyalty_cell",
    (_UNIT,),
    (Dimension("answered_on", "day", "day"), Dimension("channel", "channel"), Dimension("score_metric", "metric")),
    (
        Sum("counted", "Counted responses of all metrics.", _RESPONSES, "n"),
        Sum("flagged", "Counted responses of all metrics with a standing flag.", _RESPONSES),
        Sum("unflagged", "Counted responses of all metrics without one.", _RESPONSES, "n - flagged"),
        Sum("promoters", "Promoters (nps).", _RESPONSES),
        Sum("passives", "Passives (nps).", _RESPONSES),
        Sum("detractors", "Detractors (nps).", _RESPONSES),
        Sum("nps_n", "Counted nps responses.", _RESPONSES, _of_metric("nps", "n")),
        Sum("nps_points", "100 for each promoter, -100 for each detractor.", "points", "100 * (promoters - detractors)"),
        Sum("nps_excluded_n", "Counted nps responses without a standing flag.", _RESPONSES, _of_metric("nps", "n - flagged")),
        Sum(
            "nps_excluded_points",
            "100 for each promoter, -100 for each detractor, the flagged left out.",
            "points",
            "100 * ((promoters - flagged_promoters) - (detractors - flagged_detractors))",
        ),
        Sum(
            "nps_bound_mid_points",
            "100 for each promoter that is not flagged, -100 for each detractor.",
            "points",
            "100 * (promoters - flagged_promoters - detractors)",
        ),
        Sum(
            "nps_bound_low_points",
            "100 for each promoter that is not flagged, -100 for each detractor and each flagged response.",
            "points",
            _of_metric("nps", "100 * (promoters - flagged_promoters - (detractors - flagged_detractors) - flagged)"),
        ),
        *(one for sums, _ in _STEPS for one in sums),
    ),
    (
        Score("nps", "NPS", "Net promoter score: 100 (promoters - detractors) / n.", _POINTS, "nps_points", "nps_n", "nps_n"),
        Score(
            "nps_excluded",
            "NPS without the flagged",
            "nps without flagged responses.",
            _POINTS,
            "nps_excluded_points",
            "nps_excluded_n",
            "nps_excluded_n",
        ),
        Score("nps_bound_mid", "NPS, cautious", "nps if flagged promoters were passives.", _POINTS, "nps_bound_mid_points", "nps_n", "nps_n"),
        Score("nps_bound_low", "NPS at worst", "nps if every flagged response were a detractor.", _POINTS, "nps_bound_low_points", "nps_n", "nps_n"),
        Score("validity_rate", "Validity rate", "Share of counted responses without a standing flag.", _SHARE, "unflagged", "counted", "counted"),
        *(one for _, scores in _STEPS for one in scores),
    ),
)
ANSWERS = Cube(
    "answers",
    "responses",
    "Scores of single responses, for groupings that daily sums do not know: survey, agent, language.",
    "response",
    (_UNIT, ("account", "account_id"), ("survey", "survey_id")),
    (Dimension("given_on", "day", "day"), Dimension("channel", "channel"), Dimension("score_metric", "metric"), Dimension("language", "language")),
    (
        Sum("survey_nps_n", "Counted nps responses.", _RESPONSES, "case when class is not null then 1 else 0 end"),
        Sum(
            "survey_nps_points",
            "100 for each promoter, -100 for each detractor.",
            "points",
            "case when class = 'promoter' then 100 when class = 'detractor' then -100 else 0 end",
        ),
        Sum("survey_n", "Counted responses of all metrics.", _RESPONSES, "1"),
        Sum("survey_top_two_box_n", "Counted responses in the best steps.", _RESPONSES, "case when top_two_box then 1 else 0 end"),
    ),
    (
        Score("survey_nps", "NPS by survey", "nps, from single responses.", _POINTS, "survey_nps_points", "survey_nps_n", "survey_nps_n"),
        Score(
            "survey_top_two_box",
            "Top two box by survey",
            "Share of responses in the best steps. Choose one metric.",
            _SHARE,
            "survey_top_two_box_n",
            "survey_n",
            "survey_n",
        ),
    ),
    only="not withdrawn and not synthetic and metric is not null",
)
INVITATIONS = Cube(
    "invitations",
    "invitation_outcomes",
    "Who was asked, and who answered.",
    "invitation",
    (_UNIT, ("account", "account_id")),
    (Dimension("sent_on", "day", "day"), Dimension("channel", "channel")),
    (
        Sum("invitations_n", "Invitations that were sent and did not bounce.", "invitations", "1"),
        Sum("invitations_answered", "Of these, answered by a counted response.", "invitations", "case when answered then 1 else 0 end"),
    ),
    (
        Score(
            "response_rate",
            "Response rate",
            "Share of invitations that were answered.",
            _SHARE,
            "invitations_answered",
            "invitations_n",
            "invitations_n",
        ),
    ),
)


def _on_base(column: str) -> str:
    """Rates of a month whose base is missing or not above 0 are not known, so the month counts in neither sum."""
    return f"case when base > 0 then {column} else 0 end"


GROWTH = Cube(
    "growth",
    "growth_monthly",
    "Retention and growth by month. Of several months: the mean of their rates, weighted by the revenue of the month before each.",
    "growth_month",
    (),
    (Dimension("growth_month", "month", "month"), Dimension("growth_month_is_over", "is_over")),
    (
        Sum("revenue", "Completed minus refunded.", _MONEY),
        Sum("gross_revenue", "Completed.", _MONEY),
        Sum("induced_revenue", "Part of gross revenue that was induced.", _MONEY),
        Sum("base_revenue", "Revenue of the month before each month, where it is above 0.", _MONEY, _on_base("base")),
        Sum("kept_base_revenue", "Revenue of those who were customers in the month before.", _MONEY, _on_base("kept_revenue")),
        Sum("kept_capped_base_revenue", "The same, of each at most what it brought then.", _MONEY, _on_base("kept_revenue_capped")),
        Sum("earned_new_base_revenue", "Revenue of new customers by referral or recommendation.", _MONEY, _on_base("earned_new_revenue")),
        Sum("bought_new_base_revenue", "Revenue of new customers by advertising, promotion or sales.", _MONEY, _on_base("bought_new_revenue")),
        Sum(
            "earned_growth_revenue",
            "Revenue kept and earned, less the base.",
            _MONEY,
            _on_base("kept_revenue + earned_new_revenue - base"),
        ),
        Sum("customers_kept", "Customers of two months running.", "customers"),
        Sum("customers_before", "Customers of the month before.", "customers"),
        Sum("customers", "Customers of each month; one who buys in two counts in both.", "customers"),
    ),
    (
        Score("nrr", "Net revenue retention", "kept_revenue / base.", "ratio", "kept_base_revenue", "base_revenue", "customers_before"),
        Score(
            "grr", "Gross revenue retention", "kept_revenue_capped / base.", _SHARE, "kept_capped_base_revenue", "base_revenue", "customers_before"
        ),
        Score("earned_new", "Earned new", "earned_new_revenue / base.", "ratio", "earned_new_base_revenue", "base_revenue", "customers_before"),
        Score("bought_new", "Bought new", "bought_new_revenue / base.", "ratio", "bought_new_base_revenue", "base_revenue", "customers_before"),
        Score(
            "earned_growth_rate", "Earned growth rate", "nrr + earned_new - 1.", "ratio", "earned_growth_revenue", "base_revenue", "customers_before"
        ),
        Score("induced_share", "Induced share", "induced_revenue / gross_revenue.", _SHARE, "induced_revenue", "gross_revenue", "customers"),
        Score(
            "logo_retention",
            "Customer retention",
            "customers_kept / customers_before.",
            _SHARE,
            "customers_kept",
            "customers_before",
            "customers_before",
        ),
    ),
)
FOLLOW_UP = Cube(
    "follow_up",
    "follow_up",
    "What was done about feedback, by programme and month.",
    "follow_up_month",
    (("programme", "programme"),),
    (Dimension("follow_up_month", "month", "month"),),
    (
        Sum("cases_due", "Cases whose due time has passed.", "cases", "due"),
        Sum("cases_in_sla", "Of these, contacted in time.", "cases", "in_sla"),
        Sum("detractors_contacted", "Detractors who were contacted.", _RESPONSES),
        Sum("detractors_rescued", "Of these, those whose next score was 7 or better.", _RESPONSES, "rescued"),
        Sum("acted_upon", "Responses that something was done about.", _RESPONSES),
        Sum("told", "Of these, those whose customer was told.", _RESPONSES),
        Sum("feedback_debt", "Responses that had to be followed up, and were not.", _RESPONSES),
    ),
    (
        Score("sla_attainment", "SLA attainment", "in_sla / due.", _SHARE, "cases_in_sla", "cases_due", "cases_due"),
        Score(
            "rescue_rate",
            "Rescue rate",
            "rescued / detractors_contacted.",
            _SHARE,
            "detractors_rescued",
            "detractors_contacted",
            "detractors_contacted",
        ),
        Score("told_rate", "Told rate", "told / acted_upon.", _SHARE, "told", "acted_upon", "acted_upon"),
    ),
)
MESSAGES = Cube(
    "messages",
    "messages_monthly",
    "What messages do, by month.",
    "messages_month",
    (),
    (Dimension("message_month", "month", "month"),),
    (
        Sum("messages_sent", "Messages of any purpose.", "messages", "messages"),
        Sum("messages_of_value", "Messages that teach customers to get more value.", "messages", "value"),
        Sum("messages_of_value_or_selling", "Messages that teach or sell.", "messages", "value + selling"),
        Sum("offers", "Products offered, of each message once.", "offers"),
        Sum("owned_offers", "Offers of what the account owned.", "offers"),
        Sum("attention_errors", "Offers that were owned, or sent while a case was open.", "offers"),
    ),
    (
        Score(
            "value_share",
            "Value share",
            "value / (value + selling).",
            _SHARE,
            "messages_of_value",
            "messages_of_value_or_selling",
            "messages_of_value_or_selling",
        ),
        Score("owned_offer_rate", "Owned offer rate", "owned_offers / offers.", _SHARE, "owned_offers", "offers", "offers"),
        Score("attention_error_rate", "Attention error rate", "attention_errors / offers.", _SHARE, "attention_errors", "offers", "offers"),
    ),
)
CUBES = (LOYALTY, ANSWERS, INVITATIONS, GROWTH, FOLLOW_UP, MESSAGES)
