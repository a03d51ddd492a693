"""The tables of what ``candor fit`` finds: a run, and what each model said in it. Views show the run that was recorded last."""

from schemas.columns import (
    COUNT,
    DAY,
    FLAG,
    ID,
    NAME,
    NUMBER,
    OPTIONAL_NAME,
    OPTIONAL_NUMBER,
    Column,
    Table,
    TableSpec,
)

_RUN = Column("run_id", ID, "The run: a hash of its data, its settings and the release of the models, so the same data give the same run.")
_VERSION = Column("version", "UInt64", "When it was fitted, in milliseconds since 1970.")


def _estimate(name: str, meaning: str) -> tuple[Column, Column, Column]:
    return (
        Column(name, OPTIONAL_NUMBER, meaning),
        Column(f"{name}_low", OPTIONAL_NUMBER, f"Lower end of the 95 % interval of {name}; NULL where it cannot be told."),
        Column(f"{name}_high", OPTIONAL_NUMBER, f"Upper end of the 95 % interval of {name}; NULL where it cannot be told."),
    )


MODEL_SPECS = (
    TableSpec(
        Table.FIT_RUNS,
        "Every fit of every model; a run is written when all that it found is.",
        ("run_id", "model"),
        (
            _RUN,
            Column(
                "model",
                NAME,
                "purchases (BG/NBD: who is alive, and buys how often), spend (Gamma-Gamma: what a purchase is worth), drivers, linkage, prediction, "
                "effects.",
            ),
            Column("state", NAME, "fitted, or insufficient: the data do not suffice, explanation says why, and what the model would tell is NULL."),
            Column("as_of", DAY, "The newest local day of the data that it was fitted on."),
            Column("n", COUNT, "How much it was fitted on; data says of what."),
            Column("parameters", "Map(String, Float64)", "What was fitted, and the settings, by name; time is in weeks, money in the base currency."),
            Column("data", ID, "What it was fitted on, in words."),
            Column(
                "explanation", ID, "Why it could not be fitted, or what of a fitted model could not be told, and why; empty where everything could."
            ),
            Column("release", ID, "Release of the models."),
            _VERSION,
        ),
    ),
    TableSpec(
        Table.FIT_ACCOUNTS,
        "What each run expects of each account; read account_predictions instead. Old runs are taken away.",
        ("run_id", "account_id"),
        (
            _RUN,
            Column("account_id", ID, "The account."),
            Column("frequency", COUNT, "Days with a purchase, the first left out."),
            Column("recency_weeks", NUMBER, "Weeks from the first purchase to the last."),
            Column("age_weeks", NUMBER, "Weeks from the first purchase to the day as of which this is told."),
            Column("mean_value", OPTIONAL_NUMBER, "Mean worth of the purchase days after the first, in the base currency; NULL where there is none."),
            Column("margin", NUMBER, "Margin that lifetime_value counts with: of the account's known costs, else the catalog's."),
            Column(
                "probability_alive",
                NUMBER,
                "Probability, 0 to 1, that the account still buys; 1 by the model for whoever bought on one day only, whom it cannot see leave: read "
                "expected_purchases too.",
            ),
            Column("expected_purchases", NUMBER, "Days with a purchase expected in the next 52 weeks."),
            Column("expected_value", OPTIONAL_NUMBER, "Expected worth of one of them, in the base currency; NULL where spend could not be fitted."),
            Column(
                "lifetime_value",
                OPTIONAL_NUMBER,
                "Margin expected of the next 52 weeks, discounted at 10 % a year, in the base currency; NULL where spend could not be fitted.",
            ),
            _VERSION,
        ),
        "run_id",
    ),
    TableSpec(
        Table.FIT_NEWCOMERS,
        "What each run expects of a customer who has just bought for the first time; read newcomers instead.",
        ("run_id", "weeks"),
        (
            _RUN,
            Column("weeks", COUNT, "Weeks since the first purchase, 1 to 104."),
            Column("expected_purchases", NUMBER, "Days with a purchase expected within these weeks, the first left out."),
            Column("probability_of_return", NUMBER, "Probability, 0 to 1, that the customer buys again within these weeks."),
            Column(
                "value",
                OPTIONAL_NUMBER,
                "Margin expected of these purchases, the first left out, discounted at 10 % a year, in the base currency: at the mean margin of the "
                "accounts; NULL where spend could not be fitted.",
            ),
            _VERSION,
        ),
    ),
    TableSpec(
        Table.FIT_DRIVERS,
        "What each run found of the drivers of each survey; read drivers instead.",
        ("run_id", "survey_id", "driver"),
        (
            _RUN,
            Column("survey_id", ID, "The survey."),
            Column("driver", ID, "The driver question, as answers name it."),
            Column("metric", NAME, "The score that is explained: the survey's most frequent metric."),
            Column("n", COUNT, "Counted responses that answered all drivers of the survey."),
            *_estimate("performance", "Mean answer, on the question's own scale."),
            Column(
                "target", NUMBER, "Answer aimed at: the catalog's, else the top of the survey's scale, or the greatest answer where that is higher."
            ),
            Column("cost", NUMBER, "Relative cost of a point more: the catalog's, else 1."),
            Column(
                "r_squared", OPTIONAL_NUMBER, "Share of the score's variance that all drivers of the survey explain; the same on each of its rows."
            ),
            *_estimate("lmg", "Part of r_squared that is due to the driver (LMG, Shapley); NULL below 30 responses and of more than 12 drivers."),
            *_estimate("johnson", "Part of r_squared that is due to the driver (Johnson's relative weight); NULL below 30 responses."),
            *_estimate(
                "priority",
                "Share of what is explained (lmg over its sum, of more than 12 drivers johnson) x (target - performance) / cost; "
                "below 0 where the target is surpassed.",
            ),
            _VERSION,
        ),
    ),
    TableSpec(
        Table.FIT_LINKAGE,
        "What each run found of how operations go with scores; read linkage instead.",
        ("run_id", "measure", "lag"),
        (
            _RUN,
            Column("measure", NAME, "What operations measured."),
            Column("lag", COUNT, "Days from the measurement to the score."),
            Column("n", COUNT, "Pairs: accounts and days with a measurement, and a score so many days later; of several a day, their mean."),
            Column(
                "correlation",
                OPTIONAL_NUMBER,
                "Spearman's rank correlation of the measurement with the score; NULL where one of both does not vary.",
            ),
            Column("low", OPTIONAL_NUMBER, "Lower end of its 95 % interval; NULL where it cannot be told."),
            Column("high", OPTIONAL_NUMBER, "Upper end of its 95 % interval; NULL where it cannot be told."),
            Column("published", FLAG, "At least 200 pairs, and an interval without 0. What is not published is most often chance."),
            Column("holdout_n", COUNT, "The newest quarter of the pairs, looked at apart."),
            *_estimate("holdout_correlation", "The same correlation over these alone."),
            Column("confirmed", FLAG, "Published, and the newest pairs alone show the same sign, with an interval without 0."),
            _VERSION,
        ),
    ),
    TableSpec(
        Table.FIT_PREDICTION,
        "What each run found of what predicts buying again; read prediction instead.",
        ("run_id", "predictor"),
        (
            _RUN,
            Column(
                "predictor",
                NAME,
                "satisfaction (csat score), satisfaction_top_box, nps (score), grade, relative_value (own score over the mean of competitors'), "
                "value (value delivered index), feeling (any score as a share of its scale), value_and_feeling (customer focus index).",
            ),
            Column("n", COUNT, "Counted responses old enough to be judged, of which the predictor was known when they were given."),
            Column("bought", COUNT, "Those whose account bought again within the catalog's grades.repurchase_days, 180 by default."),
            Column(
                "auc",
                OPTIONAL_NUMBER,
                "Probability that one who bought again had the higher value than one who did not; 0.5: tells nothing. NULL without both.",
            ),
            Column("low", OPTIONAL_NUMBER, "Lower end of its 95 % interval; NULL where it cannot be told."),
            Column("high", OPTIONAL_NUMBER, "Upper end of its 95 % interval; NULL where it cannot be told."),
            Column("compared_with", OPTIONAL_NAME, "Another predictor that stands on the same responses; NULL: none."),
            *_estimate("gain", "auc less that of compared_with; NULL where there is none."),
            _VERSION,
        ),
    ),
    TableSpec(
        Table.FIT_EFFECTS,
        "What each run found of what changes in accounts after something else has; read message_effects, elasticities and hub_links instead.",
        ("run_id", "origin", "cause", "effect", "lag"),
        (
            _RUN,
            Column("origin", NAME, "messages or operations: where the cause is observed."),
            Column("cause", NAME, "What changed: value_share of messages, or what operations measured; its mean over a window."),
            Column(
                "effect",
                NAME,
                "What changed with it, in the same account: feeling (mean score as a share of its scale), spend (completed less refunded, in the "
                "base currency), bought (0 or 1), vdi, customer_focus_index, effort (mean ces score as a share of its scale, higher is easier), "
                "hassles (cases that began).",
            ),
            Column("lag", COUNT, "28-day windows from the cause to the effect; below 0: the effect was before."),
            Column("n", COUNT, "Accounts and windows that were compared; accounts with one alone, for messages with fewer than eight, are left out."),
            *_estimate(
                "correlation",
                "Partial correlation of cause and effect, given the account, the window and what else was measured, for messages what was known last "
                "of what came later; NULL where one of both does not vary.",
            ),
            *_estimate("slope", "Units of what comes later for a unit more of what comes first (of the effect, where lag is 0), all else equal."),
            *_estimate(
                "elasticity", "Per cent of what comes later for a per cent more of what comes first, at the means of both; NULL where a mean is 0."
            ),
            Column("published", FLAG, "At least 200 were compared, and the interval of the correlation leaves out 0."),
            Column(
                "holdout_n",
                COUNT,
                "Those of the newest windows, a quarter or more of all, looked at apart; for messages those of a quarter of the accounts.",
            ),
            *_estimate("holdout_correlation", "The same correlation over these alone."),
            Column("confirmed", FLAG, "Published, and what is held out alone shows the same sign, with an interval without 0."),
            _VERSION,
        ),
    ),
)
