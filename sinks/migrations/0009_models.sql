-- What `candor fit` finds of customers: a row per run and thing, and views of the run that was recorded last.

CREATE TABLE IF NOT EXISTS fit_runs${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `model` LowCardinality(String) COMMENT 'purchases (BG/NBD: who is alive, and buys how often), spend (Gamma-Gamma: what a purchase is worth), drivers, linkage, prediction, effects.',
    `state` LowCardinality(String) COMMENT 'fitted, or insufficient: the data do not suffice, explanation says why, and what the model would tell is NULL.',
    `as_of` Date32 COMMENT 'The newest local day of the data that it was fitted on.',
    `n` Int64 COMMENT 'How much it was fitted on; data says of what.',
    `parameters` Map(String, Float64) COMMENT 'What was fitted, and the settings, by name; time is in weeks, money in the base currency.',
    `data` String COMMENT 'What it was fitted on, in words.',
    `explanation` String COMMENT 'Why it could not be fitted, or what of a fitted model could not be told, and why; empty where everything could.',
    `release` String COMMENT 'Release of the models.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, model)
SETTINGS merge_selector_base = 15
COMMENT 'Every fit of every model; a run is written when all that it found is.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_runs${on_cluster} AS fit_runs${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_runs${local}', cityHash64(run_id, model))
COMMENT 'Every fit of every model; a run is written when all that it found is.';

CREATE TABLE IF NOT EXISTS fit_accounts${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `account_id` String COMMENT 'The account.',
    `frequency` Int64 COMMENT 'Days with a purchase, the first left out.',
    `recency_weeks` Float64 COMMENT 'Weeks from the first purchase to the last.',
    `age_weeks` Float64 COMMENT 'Weeks from the first purchase to the day as of which this is told.',
    `mean_value` Nullable(Float64) COMMENT 'Mean worth of the purchase days after the first, in the base currency; NULL where there is none.',
    `margin` Float64 COMMENT 'Margin that lifetime_value counts with: of the account\'s known costs, else the catalog\'s.',
    `probability_alive` Float64 COMMENT 'Probability, 0 to 1, that the account still buys; 1 by the model for whoever bought on one day only, whom it cannot see leave: read expected_purchases too.',
    `expected_purchases` Float64 COMMENT 'Days with a purchase expected in the next 52 weeks.',
    `expected_value` Nullable(Float64) COMMENT 'Expected worth of one of them, in the base currency; NULL where spend could not be fitted.',
    `lifetime_value` Nullable(Float64) COMMENT 'Margin expected of the next 52 weeks, discounted at 10 % a year, in the base currency; NULL where spend could not be fitted.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
PARTITION BY run_id
ORDER BY (run_id, account_id)
SETTINGS merge_selector_base = 15
COMMENT 'What each run expects of each account; read account_predictions instead. Old runs are taken away.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_accounts${on_cluster} AS fit_accounts${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_accounts${local}', cityHash64(account_id))
COMMENT 'What each run expects of each account; read account_predictions instead. Old runs are taken away.';

CREATE TABLE IF NOT EXISTS fit_newcomers${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `weeks` Int64 COMMENT 'Weeks since the first purchase, 1 to 104.',
    `expected_purchases` Float64 COMMENT 'Days with a purchase expected within these weeks, the first left out.',
    `probability_of_return` Float64 COMMENT 'Probability, 0 to 1, that the customer buys again within these weeks.',
    `value` Nullable(Float64) COMMENT 'Margin expected of these purchases, the first left out, discounted at 10 % a year, in the base currency: at the mean margin of the accounts; NULL where spend could not be fitted.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, weeks)
SETTINGS merge_selector_base = 15
COMMENT 'What each run expects of a customer who has just bought for the first time; read newcomers instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_newcomers${on_cluster} AS fit_newcomers${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_newcomers${local}', cityHash64(run_id, weeks))
COMMENT 'What each run expects of a customer who has just bought for the first time; read newcomers instead.';

CREATE TABLE IF NOT EXISTS fit_drivers${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `survey_id` String COMMENT 'The survey.',
    `driver` String COMMENT 'The driver question, as answers name it.',
    `metric` LowCardinality(String) COMMENT 'The score that is explained: the survey\'s most frequent metric.',
    `n` Int64 COMMENT 'Counted responses that answered all drivers of the survey.',
    `performance` Nullable(Float64) COMMENT 'Mean answer, on the question\'s own scale.',
    `performance_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of performance; NULL where it cannot be told.',
    `performance_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of performance; NULL where it cannot be told.',
    `target` Float64 COMMENT 'Answer aimed at: the catalog\'s, else the top of the survey\'s scale, or the greatest answer where that is higher.',
    `cost` Float64 COMMENT 'Relative cost of a point more: the catalog\'s, else 1.',
    `r_squared` Nullable(Float64) COMMENT 'Share of the score\'s variance that all drivers of the survey explain; the same on each of its rows.',
    `lmg` Nullable(Float64) COMMENT 'Part of r_squared that is due to the driver (LMG, Shapley); NULL below 30 responses and of more than 12 drivers.',
    `lmg_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of lmg; NULL where it cannot be told.',
    `lmg_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of lmg; NULL where it cannot be told.',
    `johnson` Nullable(Float64) COMMENT 'Part of r_squared that is due to the driver (Johnson\'s relative weight); NULL below 30 responses.',
    `johnson_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of johnson; NULL where it cannot be told.',
    `johnson_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of johnson; NULL where it cannot be told.',
    `priority` Nullable(Float64) COMMENT 'Share of what is explained (lmg over its sum, of more than 12 drivers johnson) x (target - performance) / cost; below 0 where the target is surpassed.',
    `priority_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of priority; NULL where it cannot be told.',
    `priority_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of priority; NULL where it cannot be told.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, survey_id, driver)
SETTINGS merge_selector_base = 15
COMMENT 'What each run found of the drivers of each survey; read drivers instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_drivers${on_cluster} AS fit_drivers${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_drivers${local}', cityHash64(run_id, survey_id, driver))
COMMENT 'What each run found of the drivers of each survey; read drivers instead.';

CREATE TABLE IF NOT EXISTS fit_linkage${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `measure` LowCardinality(String) COMMENT 'What operations measured.',
    `lag` Int64 COMMENT 'Days from the measurement to the score.',
    `n` Int64 COMMENT 'Pairs: accounts and days with a measurement, and a score so many days later; of several a day, their mean.',
    `correlation` Nullable(Float64) COMMENT 'Spearman\'s rank correlation of the measurement with the score; NULL where one of both does not vary.',
    `low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval; NULL where it cannot be told.',
    `high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval; NULL where it cannot be told.',
    `published` Bool COMMENT 'At least 200 pairs, and an interval without 0. What is not published is most often chance.',
    `holdout_n` Int64 COMMENT 'The newest quarter of the pairs, looked at apart.',
    `holdout_correlation` Nullable(Float64) COMMENT 'The same correlation over these alone.',
    `holdout_correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `holdout_correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `confirmed` Bool COMMENT 'Published, and the newest pairs alone show the same sign, with an interval without 0.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, measure, lag)
SETTINGS merge_selector_base = 15
COMMENT 'What each run found of how operations go with scores; read linkage instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_linkage${on_cluster} AS fit_linkage${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_linkage${local}', cityHash64(run_id, measure, lag))
COMMENT 'What each run found of how operations go with scores; read linkage instead.';

CREATE TABLE IF NOT EXISTS fit_prediction${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `predictor` LowCardinality(String) COMMENT 'satisfaction (csat score), satisfaction_top_box, nps (score), grade, relative_value (own score over the mean of competitors\'), value (value delivered index), feeling (any score as a share of its scale), value_and_feeling (customer focus index).',
    `n` Int64 COMMENT 'Counted responses old enough to be judged, of which the predictor was known when they were given.',
    `bought` Int64 COMMENT 'Those whose account bought again within the catalog\'s grades.repurchase_days, 180 by default.',
    `auc` Nullable(Float64) COMMENT 'Probability that one who bought again had the higher value than one who did not; 0.5: tells nothing. NULL without both.',
    `low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval; NULL where it cannot be told.',
    `high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval; NULL where it cannot be told.',
    `compared_with` LowCardinality(Nullable(String)) COMMENT 'Another predictor that stands on the same responses; NULL: none.',
    `gain` Nullable(Float64) COMMENT 'auc less that of compared_with; NULL where there is none.',
    `gain_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of gain; NULL where it cannot be told.',
    `gain_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of gain; NULL where it cannot be told.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, predictor)
SETTINGS merge_selector_base = 15
COMMENT 'What each run found of what predicts buying again; read prediction instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_prediction${on_cluster} AS fit_prediction${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_prediction${local}', cityHash64(run_id, predictor))
COMMENT 'What each run found of what predicts buying again; read prediction instead.';

CREATE OR REPLACE VIEW model_runs${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `model` LowCardinality(String) COMMENT 'purchases (BG/NBD: who is alive, and buys how often), spend (Gamma-Gamma: what a purchase is worth), drivers, linkage, prediction, effects.',
    `state` LowCardinality(String) COMMENT 'fitted, or insufficient: the data do not suffice, explanation says why, and what the model would tell is NULL.',
    `as_of` Date32 COMMENT 'The newest local day of the data that it was fitted on.',
    `n` Int64 COMMENT 'How much it was fitted on; data says of what.',
    `parameters` Map(String, Float64) COMMENT 'What was fitted, and the settings, by name; time is in weeks, money in the base currency.',
    `data` String COMMENT 'What it was fitted on, in words.',
    `explanation` String COMMENT 'Why it could not be fitted, or what of a fitted model could not be told, and why; empty where everything could.',
    `release` String COMMENT 'Release of the models.',
    `fitted_at` DateTime64(3, 'UTC') COMMENT 'When it was fitted (UTC), on the clock of who fitted it.',
    `last` Bool COMMENT 'This is the run that the other views show.'
)
AS SELECT
    run.run_id, run.model, run.state, run.as_of, run.n, run.parameters, run.data, run.explanation, run.release,
    fromUnixTimestamp64Milli(toInt64(run.version), 'UTC') AS fitted_at,
    CAST(run.run_id = (SELECT argMax(run_id, version) FROM fit_runs), 'Bool') AS last
FROM fit_runs AS run FINAL
COMMENT 'Every fit of every model: on what, as of when, with which parameters.';

CREATE OR REPLACE VIEW account_predictions${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `account_id` String COMMENT 'The account.',
    `frequency` Int64 COMMENT 'Days with a purchase, the first left out.',
    `recency_weeks` Float64 COMMENT 'Weeks from the first purchase to the last.',
    `age_weeks` Float64 COMMENT 'Weeks from the first purchase to the day as of which this is told.',
    `mean_value` Nullable(Float64) COMMENT 'Mean worth of the purchase days after the first, in the base currency; NULL where there is none.',
    `margin` Float64 COMMENT 'Margin that lifetime_value counts with: of the account\'s known costs, else the catalog\'s.',
    `probability_alive` Float64 COMMENT 'Probability, 0 to 1, that the account still buys; 1 by the model for whoever bought on one day only, whom it cannot see leave: read expected_purchases too.',
    `expected_purchases` Float64 COMMENT 'Days with a purchase expected in the next 52 weeks.',
    `expected_value` Nullable(Float64) COMMENT 'Expected worth of one of them, in the base currency; NULL where spend could not be fitted.',
    `lifetime_value` Nullable(Float64) COMMENT 'Margin expected of the next 52 weeks, discounted at 10 % a year, in the base currency; NULL where spend could not be fitted.'
)
AS SELECT run_id, account_id, frequency, recency_weeks, age_weeks, mean_value, margin, probability_alive, expected_purchases, expected_value, lifetime_value
FROM fit_accounts FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs)
COMMENT 'What the last run expects of each account that has bought; others have no row.';

CREATE OR REPLACE VIEW newcomers${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `weeks` Int64 COMMENT 'Weeks since the first purchase, 1 to 104.',
    `expected_purchases` Float64 COMMENT 'Days with a purchase expected within these weeks, the first left out.',
    `probability_of_return` Float64 COMMENT 'Probability, 0 to 1, that the customer buys again within these weeks.',
    `value` Nullable(Float64) COMMENT 'Margin expected of these purchases, the first left out, discounted at 10 % a year, in the base currency: at the mean margin of the accounts; NULL where spend could not be fitted.'
)
AS SELECT run_id, weeks, expected_purchases, probability_of_return, value
FROM fit_newcomers FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs)
COMMENT 'What the last run expects of a customer who has just bought for the first time, week by week over two years: what may be spent on winning one. Rows run up from the first purchase: read one, never add them.';

CREATE OR REPLACE VIEW drivers${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `survey_id` String COMMENT 'The survey.',
    `driver` String COMMENT 'The driver question, as answers name it.',
    `metric` LowCardinality(String) COMMENT 'The score that is explained: the survey\'s most frequent metric.',
    `n` Int64 COMMENT 'Counted responses that answered all drivers of the survey.',
    `performance` Nullable(Float64) COMMENT 'Mean answer, on the question\'s own scale.',
    `performance_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of performance; NULL where it cannot be told.',
    `performance_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of performance; NULL where it cannot be told.',
    `target` Float64 COMMENT 'Answer aimed at: the catalog\'s, else the top of the survey\'s scale, or the greatest answer where that is higher.',
    `cost` Float64 COMMENT 'Relative cost of a point more: the catalog\'s, else 1.',
    `r_squared` Nullable(Float64) COMMENT 'Share of the score\'s variance that all drivers of the survey explain; the same on each of its rows.',
    `lmg` Nullable(Float64) COMMENT 'Part of r_squared that is due to the driver (LMG, Shapley); NULL below 30 responses and of more than 12 drivers.',
    `lmg_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of lmg; NULL where it cannot be told.',
    `lmg_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of lmg; NULL where it cannot be told.',
    `johnson` Nullable(Float64) COMMENT 'Part of r_squared that is due to the driver (Johnson\'s relative weight); NULL below 30 responses.',
    `johnson_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of johnson; NULL where it cannot be told.',
    `johnson_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of johnson; NULL where it cannot be told.',
    `priority` Nullable(Float64) COMMENT 'Share of what is explained (lmg over its sum, of more than 12 drivers johnson) x (target - performance) / cost; below 0 where the target is surpassed.',
    `priority_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of priority; NULL where it cannot be told.',
    `priority_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of priority; NULL where it cannot be told.'
)
AS SELECT run_id, survey_id, driver, metric, n, performance, performance_low, performance_high, target, cost, r_squared, lmg, lmg_low, lmg_high, johnson, johnson_low, johnson_high, priority, priority_low, priority_high
FROM fit_drivers FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs)
COMMENT 'What drives the score of each survey, and where improving pays most, from the last run.';

CREATE OR REPLACE VIEW linkage${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `measure` LowCardinality(String) COMMENT 'What operations measured.',
    `lag` Int64 COMMENT 'Days from the measurement to the score.',
    `n` Int64 COMMENT 'Pairs: accounts and days with a measurement, and a score so many days later; of several a day, their mean.',
    `correlation` Nullable(Float64) COMMENT 'Spearman\'s rank correlation of the measurement with the score; NULL where one of both does not vary.',
    `low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval; NULL where it cannot be told.',
    `high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval; NULL where it cannot be told.',
    `published` Bool COMMENT 'At least 200 pairs, and an interval without 0. What is not published is most often chance.',
    `holdout_n` Int64 COMMENT 'The newest quarter of the pairs, looked at apart.',
    `holdout_correlation` Nullable(Float64) COMMENT 'The same correlation over these alone.',
    `holdout_correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `holdout_correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `confirmed` Bool COMMENT 'Published, and the newest pairs alone show the same sign, with an interval without 0.'
)
AS SELECT run_id, measure, lag, n, correlation, low, high, published, holdout_n, holdout_correlation, holdout_correlation_low, holdout_correlation_high, confirmed
FROM fit_linkage FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs)
COMMENT 'How what operations measure goes with what customers say so many days later, from the last run.';

CREATE OR REPLACE VIEW prediction${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `predictor` LowCardinality(String) COMMENT 'satisfaction (csat score), satisfaction_top_box, nps (score), grade, relative_value (own score over the mean of competitors\'), value (value delivered index), feeling (any score as a share of its scale), value_and_feeling (customer focus index).',
    `n` Int64 COMMENT 'Counted responses old enough to be judged, of which the predictor was known when they were given.',
    `bought` Int64 COMMENT 'Those whose account bought again within the catalog\'s grades.repurchase_days, 180 by default.',
    `auc` Nullable(Float64) COMMENT 'Probability that one who bought again had the higher value than one who did not; 0.5: tells nothing. NULL without both.',
    `low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval; NULL where it cannot be told.',
    `high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval; NULL where it cannot be told.',
    `compared_with` LowCardinality(Nullable(String)) COMMENT 'Another predictor that stands on the same responses; NULL: none.',
    `gain` Nullable(Float64) COMMENT 'auc less that of compared_with; NULL where there is none.',
    `gain_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of gain; NULL where it cannot be told.',
    `gain_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of gain; NULL where it cannot be told.'
)
AS SELECT run_id, predictor, n, bought, auc, low, high, compared_with, gain, gain_low, gain_high
FROM fit_prediction FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs)
COMMENT 'What predicts buying again, from the last run: what was known when a response was given, held against what was bought after it.';

CREATE OR REPLACE VIEW purchase_history_as_of${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `first_purchase` Date32 COMMENT 'Local date of the first purchase.',
    `last_purchase` Date32 COMMENT 'Local date of the last purchase.',
    `as_of` Date32 COMMENT 'The day as of which this is told.',
    `frequency` Int64 COMMENT 'Days with a purchase, the first left out.',
    `recency_weeks` Float64 COMMENT 'Weeks from the first purchase to the last.',
    `age_weeks` Float64 COMMENT 'Weeks from the first purchase to as_of.',
    `mean_value` Nullable(Float64) COMMENT 'Mean worth of the purchase days after the first, in the base currency; NULL where there is none.',
    `margin` Nullable(Float64) COMMENT 'Share of the amount that is left after cost, over the purchases whose cost is known; NULL where none is.'
)
AS WITH
    -- What refunds that name a purchase gave back by then: few rows, looked up by the many. The join is on the account, so that a question about one reads that one alone.
    returned AS (
        SELECT account_id, assumeNotNull(original_transaction_id) AS purchase_id, sum(amount_base) AS back
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day <= {as_of:Date32} AND event_type = 'transaction.refunded' AND original_transaction_id IS NOT NULL
        GROUP BY account_id, purchase_id
    ),
    bought AS (
        SELECT
            purchase.account_id AS account_id, purchase.day AS bought_on, purchase.amount_base AS amount, purchase.cost_base AS cost,
            purchase.amount_base - returned.back AS kept
        FROM (
            SELECT account_id, transaction_id, day, amount_base, cost_base
            FROM fact_transactions FINAL
            WHERE NOT synthetic AND day <= {as_of:Date32} AND event_type = 'transaction.completed'
        ) AS purchase
        GLOBAL ANY LEFT JOIN returned ON purchase.account_id = returned.account_id AND purchase.transaction_id = returned.purchase_id
    ),
    accounts AS (
        SELECT
            account_id, min(bought_on) AS first_on, max(bought_on) AS last_on, toInt64(uniqExact(bought_on)) AS days, sum(kept) AS all_kept,
            groupArray(bought_on) AS dates, groupArray(kept) AS parts,
            arraySum((part, date) -> if(date = first_on, part, toDecimal128(0, 4)), parts, dates) AS kept_first,
            sumIf(amount, cost IS NOT NULL) AS amount_of_known, sum(cost) AS cost_of_known
        FROM bought
        WHERE kept > 0
        GROUP BY account_id
    )
SELECT
    account_id,
    first_on AS first_purchase,
    last_on AS last_purchase,
    {as_of:Date32} AS as_of,
    days - 1 AS frequency,
    (toInt32(last_purchase) - toInt32(first_purchase)) / 7 AS recency_weeks,
    (toInt32(as_of) - toInt32(first_purchase)) / 7 AS age_weeks,
    toFloat64(all_kept - kept_first) / nullIf(frequency, 0) AS mean_value,
    1 - toFloat64(cost_of_known) / nullIf(toFloat64(amount_of_known), 0) AS margin
FROM accounts
SETTINGS join_use_nulls = 0, join_algorithm = 'hash'
COMMENT 'purchase_history as of another day, that day included: SELECT * FROM purchase_history_as_of(as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW purchase_history${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `first_purchase` Date32 COMMENT 'Local date of the first purchase.',
    `last_purchase` Date32 COMMENT 'Local date of the last purchase.',
    `as_of` Date32 COMMENT 'The newest day of the transactions.',
    `frequency` Int64 COMMENT 'Days with a purchase, the first left out.',
    `recency_weeks` Float64 COMMENT 'Weeks from the first purchase to the last.',
    `age_weeks` Float64 COMMENT 'Weeks from the first purchase to as_of.',
    `mean_value` Nullable(Float64) COMMENT 'Mean worth of the purchase days after the first, in the base currency; NULL where there is none.',
    `margin` Nullable(Float64) COMMENT 'Share of the amount that is left after cost, over the purchases whose cost is known; NULL where none is.'
)
AS SELECT account_id, first_purchase, last_purchase, as_of, frequency, recency_weeks, age_weeks, mean_value, margin
FROM `${database}`.purchase_history_as_of(as_of = (SELECT max(day) FROM fact_transactions WHERE NOT synthetic))
COMMENT 'How often, how lately and for how much each account has bought. Purchases of one day are one; a purchase that was given back in full, or cost nothing, is none.';

CREATE OR REPLACE VIEW share_of_wallet${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'Its newest counted response that tells scores of competitors.',
    `day` Date32 COMMENT 'Local date of the response.',
    `brands` Int64 COMMENT 'Brands that the account uses, this one included.',
    `rank` Float64 COMMENT 'Rank of this one among them by score, 1 the best; equal scores share the mean of their ranks.',
    `wallet_share` Float64 COMMENT 'Share of what the account spends on all these brands that goes to this one, by the wallet allocation rule: (1 - rank / (brands + 1)) x 2 / brands. The mean over accounts is the company\'s.'
)
AS WITH
    newest AS (
        SELECT
            account_id,
            argMax((response_id, day, assumeNotNull(score), competitor_scores), (occurred_at, response_id)) AS chosen
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND notEmpty(competitor_scores) AND score IS NOT NULL
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY account_id
    )
SELECT
    account_id,
    chosen.1 AS response_id,
    chosen.2 AS day,
    toInt64(length(chosen.4) + 1) AS brands,
    1 + arrayCount(other -> other > chosen.3, chosen.4) + arrayCount(other -> other = chosen.3, chosen.4) / 2 AS rank,
    (1 - rank / (brands + 1)) * 2 / brands AS wallet_share
FROM newest
COMMENT 'Share of wallet by the wallet allocation rule (Keiningham and others 2011), from scores that customers gave competitors. Meant for customers who use several brands.';

CREATE OR REPLACE VIEW account_segments${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `unit_id` String COMMENT 'The unit that its newest counted response rates, of which feeling is; empty: it has not answered.',
    `feeling` Nullable(Float64) COMMENT 'The newest counted score of any metric, as a share of its scale, 0 to 1. NULL without responses.',
    `probability_alive` Nullable(Float64) COMMENT 'Probability, 0 to 1, that the account still buys, from the last run of candor fit; 1 by the model for whoever bought on one day only, whom it cannot see leave: read expected_purchases too. NULL where it has not bought, or nothing was fitted.',
    `loyalty_segment` LowCardinality(Nullable(String)) COMMENT 'truly_loyal (feels well, alive), accessible (feels well, not alive), trapped (feels ill, alive) or high_risk; whoever bought on one day only is alive by the model; cut where the catalog\'s loyalty_matrix says, feeling 0.7 and probability 0.5 by default. NULL where one of both is not known.',
    `worst_driver` Nullable(String) COMMENT 'Of the driver questions that the account answered last, the one with the greatest importance x (target - answer) / cost. NULL where none lies below its target, or drivers were not fitted.',
    `next_action` LowCardinality(Nullable(String)) COMMENT 'close_case while one is open; else recover (high_risk), fix_cause (trapped; see worst_driver), show_value (accessible), ask_referral (truly_loyal). Without segment and open case NULL.',
    `suppress_selling` Bool COMMENT 'A case of the account is open, whatever started it: nothing should be sold to it until the case has ended. attention_errors counts offers that were made nevertheless.',
    `run_id` Nullable(String) COMMENT 'The run of candor fit that probability_alive is of; model_runs says more of it. NULL where it tells nothing of the account.'
)
AS WITH
    -- Shares of scales are of decimal numbers: what is equal on paper must be equal here.
    ifNull((SELECT any(JSONExtract(value, 'attitude', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.7) - 1e-9 AS least_feeling,
    ifNull((SELECT any(JSONExtract(value, 'behaviour', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.5) AS least_alive,
    said AS (
        SELECT
            account_id,
            argMax((score - scale_min) / (scale_max - scale_min), (occurred_at, response_id)) AS newest_feeling,
            argMax(ifNull(unit_id, ''), (occurred_at, response_id)) AS newest_unit,
            argMaxIf((survey_id, answers), (occurred_at, response_id), notEmpty(answers)) AS newest_answers
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND score IS NOT NULL
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY account_id
    ),
    weighed AS (
        SELECT survey_id, groupArray((driver, ifNull(lmg, johnson), target, cost)) AS questions
        FROM drivers
        WHERE priority IS NOT NULL
        GROUP BY survey_id
    ),
    judged AS (
        SELECT
            said.account_id AS account_id,
            said.newest_feeling AS newest_feeling,
            said.newest_unit AS newest_unit,
            arrayReverseSort(arrayFilter(gap -> gap.1 > 0, arrayMap(
                question -> (
                    if(mapContains(said.newest_answers.2, question.1), assumeNotNull(question.2) * (question.3 - said.newest_answers.2[question.1]) / question.4, 0),
                    question.1
                ), weighed.questions
            ))) AS gaps
        FROM said
        GLOBAL LEFT JOIN weighed ON said.newest_answers.1 = weighed.survey_id
    )
SELECT
    cell.account_id AS account_id,
    judged.newest_unit AS unit_id,
    judged.newest_feeling AS feeling,
    if(prediction.run_id = '', NULL, prediction.probability_alive) AS probability_alive,
    multiIf(
        feeling IS NULL OR probability_alive IS NULL, NULL,
        feeling >= least_feeling AND probability_alive >= least_alive, 'truly_loyal',
        feeling >= least_feeling, 'accessible',
        probability_alive >= least_alive, 'trapped',
        'high_risk'
    ) AS loyalty_segment,
    if(empty(judged.gaps), NULL, judged.gaps[1].2) AS worst_driver,
    multiIf(
        cell.open_cases > 0, 'close_case',
        loyalty_segment = 'high_risk', 'recover',
        loyalty_segment = 'trapped', 'fix_cause',
        loyalty_segment = 'accessible', 'show_value',
        loyalty_segment = 'truly_loyal', 'ask_referral',
        NULL
    ) AS next_action,
    CAST(cell.open_cases > 0, 'Bool') AS suppress_selling,
    nullIf(prediction.run_id, '') AS run_id
FROM cell_accounts AS cell FINAL
GLOBAL LEFT JOIN judged ON cell.account_id = judged.account_id
GLOBAL LEFT JOIN (SELECT account_id, run_id, probability_alive FROM account_predictions) AS prediction ON cell.account_id = prediction.account_id
SETTINGS join_use_nulls = 0
COMMENT 'The loyalty matrix: how each account feels, whether it still buys, and what to do next.';
