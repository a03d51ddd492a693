-- What is asked of business rituals and of the parts of a company, what customer and company get of each other, and scores of the last days.

CREATE TABLE IF NOT EXISTS fit_effects${local}${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `origin` LowCardinality(String) COMMENT 'messages or operations: where the cause is observed.',
    `cause` LowCardinality(String) COMMENT 'What changed: value_share of messages, or what operations measured; its mean over a window.',
    `effect` LowCardinality(String) COMMENT 'What changed with it, in the same account: feeling (mean score as a share of its scale), spend (completed less refunded, in the base currency), bought (0 or 1), vdi, customer_focus_index, effort (mean ces score as a share of its scale, higher is easier), hassles (cases that began).',
    `lag` Int64 COMMENT '28-day windows from the cause to the effect; below 0: the effect was before.',
    `n` Int64 COMMENT 'Accounts and windows that were compared; accounts with one alone, for messages with fewer than eight, are left out.',
    `correlation` Nullable(Float64) COMMENT 'Partial correlation of cause and effect, given the account, the window and what else was measured, for messages what was known last of what came later; NULL where one of both does not vary.',
    `correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of correlation; NULL where it cannot be told.',
    `correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of correlation; NULL where it cannot be told.',
    `slope` Nullable(Float64) COMMENT 'Units of what comes later for a unit more of what comes first (of the effect, where lag is 0), all else equal.',
    `slope_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of slope; NULL where it cannot be told.',
    `slope_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of slope; NULL where it cannot be told.',
    `elasticity` Nullable(Float64) COMMENT 'Per cent of what comes later for a per cent more of what comes first, at the means of both; NULL where a mean is 0.',
    `elasticity_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `elasticity_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `published` Bool COMMENT 'At least 200 were compared, and the interval of the correlation leaves out 0.',
    `holdout_n` Int64 COMMENT 'Those of the newest windows, a quarter or more of all, looked at apart; for messages those of a quarter of the accounts.',
    `holdout_correlation` Nullable(Float64) COMMENT 'The same correlation over these alone.',
    `holdout_correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `holdout_correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `confirmed` Bool COMMENT 'Published, and what is held out alone shows the same sign, with an interval without 0.',
    `version` UInt64 COMMENT 'When it was fitted, in milliseconds since 1970.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (run_id, origin, cause, effect, lag)
SETTINGS merge_selector_base = 15
COMMENT 'What each run found of what changes in accounts after something else has; read message_effects, elasticities and hub_links instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fit_effects${on_cluster} AS fit_effects${local}
ENGINE = Distributed('${cluster}', '${database}', 'fit_effects${local}', cityHash64(run_id, origin, cause, effect, lag))
COMMENT 'What each run found of what changes in accounts after something else has; read message_effects, elasticities and hub_links instead.';

CREATE OR REPLACE VIEW message_effects${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `effect` LowCardinality(String) COMMENT 'What changed with value_share: feeling (mean score of any metric, as a share of its scale), or bought (0 or 1; windows after the one of the first purchase).',
    `lag` Int64 COMMENT '28-day windows from the messages to the effect; below 0: the effect came before the messages.',
    `n` Int64 COMMENT 'Accounts and windows that were compared; accounts with one alone, for messages with fewer than eight, are left out.',
    `correlation` Nullable(Float64) COMMENT 'Partial correlation of cause and effect, given the account, the window and what else was measured, for messages what was known last of what came later; NULL where one of both does not vary.',
    `correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of correlation; NULL where it cannot be told.',
    `correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of correlation; NULL where it cannot be told.',
    `slope` Nullable(Float64) COMMENT 'Units of what comes later for a unit more of what comes first (of the effect, where lag is 0), all else equal.',
    `slope_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of slope; NULL where it cannot be told.',
    `slope_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of slope; NULL where it cannot be told.',
    `elasticity` Nullable(Float64) COMMENT 'Per cent of what comes later for a per cent more of what comes first, at the means of both; NULL where a mean is 0.',
    `elasticity_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `elasticity_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `published` Bool COMMENT 'At least 200 were compared, and the interval of the correlation leaves out 0.',
    `holdout_n` Int64 COMMENT 'Those of the newest windows, a quarter or more of all, looked at apart; for messages those of a quarter of the accounts.',
    `holdout_correlation` Nullable(Float64) COMMENT 'The same correlation over these alone.',
    `holdout_correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `holdout_correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `confirmed` Bool COMMENT 'Published, and what is held out alone shows the same sign, with an interval without 0.'
)
AS SELECT run_id, effect, lag, n, correlation, correlation_low, correlation_high, slope, slope_low, slope_high, elasticity, elasticity_low, elasticity_high, published, holdout_n, holdout_correlation, holdout_correlation_low, holdout_correlation_high, confirmed
FROM fit_effects FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs) AND origin = 'messages'
COMMENT 'Does a falling share of value messages come before falling loyalty? How feeling and buying went with value_share within accounts, windows before and after, from the last run.';

CREATE OR REPLACE VIEW elasticities${on_cluster}
(
    `run_id` String COMMENT 'The run: a hash of its data, its settings and the release of the models, so the same data give the same run.',
    `measure` LowCardinality(String) COMMENT 'What operations measured; its mean over a window.',
    `effect` LowCardinality(String) COMMENT 'feeling (mean score of any metric, as a share of its scale), spend (completed less refunded, in the base currency) or bought (0 or 1); the two last in windows after the one of the first purchase.',
    `lag` Int64 COMMENT '28-day windows from the measurement to the effect.',
    `n` Int64 COMMENT 'Accounts and windows that were compared; accounts with one alone, for messages with fewer than eight, are left out.',
    `correlation` Nullable(Float64) COMMENT 'Partial correlation of cause and effect, given the account, the window and what else was measured, for messages what was known last of what came later; NULL where one of both does not vary.',
    `correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of correlation; NULL where it cannot be told.',
    `correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of correlation; NULL where it cannot be told.',
    `slope` Nullable(Float64) COMMENT 'Units of what comes later for a unit more of what comes first (of the effect, where lag is 0), all else equal.',
    `slope_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of slope; NULL where it cannot be told.',
    `slope_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of slope; NULL where it cannot be told.',
    `elasticity` Nullable(Float64) COMMENT 'Per cent of what comes later for a per cent more of what comes first, at the means of both; NULL where a mean is 0.',
    `elasticity_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `elasticity_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of elasticity; NULL where it cannot be told.',
    `published` Bool COMMENT 'At least 200 were compared, and the interval of the correlation leaves out 0.',
    `holdout_n` Int64 COMMENT 'Those of the newest windows, a quarter or more of all, looked at apart; for messages those of a quarter of the accounts.',
    `holdout_correlation` Nullable(Float64) COMMENT 'The same correlation over these alone.',
    `holdout_correlation_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `holdout_correlation_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval of holdout_correlation; NULL where it cannot be told.',
    `confirmed` Bool COMMENT 'Published, and what is held out alone shows the same sign, with an interval without 0.'
)
AS SELECT run_id, cause AS measure, effect, lag, n, correlation, correlation_low, correlation_high, slope, slope_low, slope_high, elasticity, elasticity_low, elasticity_high, published, holdout_n, holdout_correlation, holdout_correlation_low, holdout_correlation_high, confirmed
FROM fit_effects FINAL
WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs) AND origin = 'operations' AND effect IN ('feeling', 'spend', 'bought')
COMMENT 'What scores, spend and buying again change for a change of what operations measure, within accounts and all else equal, from the last run.';

CREATE OR REPLACE VIEW hub_links${on_cluster}
(
    `spoke` LowCardinality(String) COMMENT 'The part of the company: finance, operations or employee.',
    `kpi_id` String COMMENT 'A measure of it, as the catalog declares it with its spoke.',
    `measure` String COMMENT 'The measure of operations that it is computed from.',
    `hub` LowCardinality(String) COMMENT 'What the customer gets and feels: vdi (value delivered index), customer_focus_index, effort (mean ces score, as a share of its scale, higher is easier) or hassles (follow-up cases that began).',
    `n` Int64 COMMENT 'Accounts and 28-day windows that were compared; 0 where the measure was not observed.',
    `hub_link` Nullable(Float64) COMMENT 'Partial correlation of the measure with the hub in the same window, given the account, the window and the other measures. NULL where it cannot be told.',
    `hub_link_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval; NULL where it cannot be told.',
    `hub_link_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval; NULL where it cannot be told.',
    `linked` Bool COMMENT 'At least 200 were compared, and the interval leaves out 0. Of pairs that have nothing to do with each other one in twenty is linked.',
    `confirmed` Bool COMMENT 'Linked, and the newest windows alone show the same sign, with an interval without 0.',
    `helps` Nullable(Bool) COMMENT 'What is better for the spoke goes with what is better for the customer. NULL where it is not linked.'
)
AS SELECT
    assumeNotNull(kpi.spoke) AS spoke, kpi.kpi_id AS kpi_id, kpi.name AS measure, kpi.hub AS hub,
    found.n AS n, found.correlation AS hub_link, found.correlation_low AS hub_link_low, found.correlation_high AS hub_link_high,
    found.published AS linked, found.confirmed AS confirmed,
    if(linked, CAST((ifNull(hub_link, 0) > 0) = ((kpi.better = 'lower') = (kpi.hub = 'hassles')), 'Nullable(Bool)'), NULL) AS helps
FROM (
    SELECT spoke, kpi_id, ifNull(measure, kpi_id) AS name, better, arrayJoin(['vdi', 'customer_focus_index', 'effort', 'hassles']) AS hub
    FROM kpis FINAL
    WHERE spoke IS NOT NULL
) AS kpi
GLOBAL LEFT JOIN (
    SELECT toString(cause) AS cause, toString(effect) AS effect, n, correlation, correlation_low, correlation_high, published, confirmed
    FROM fit_effects FINAL
    WHERE run_id = (SELECT argMax(run_id, version) FROM fit_runs) AND origin = 'operations' AND lag = 0
) AS found ON kpi.name = found.cause AND kpi.hub = found.effect
SETTINGS join_use_nulls = 0
COMMENT 'Hub and spokes: does what the parts of a company are measured by go with what customers get and feel? From the last run.';

CREATE OR REPLACE VIEW spokes${on_cluster}
(
    `spoke` LowCardinality(String) COMMENT 'The part of the company: finance, operations or employee.',
    `kpis` Int64 COMMENT 'Measures of it that the catalog declares.',
    `kpis_judged` Int64 COMMENT 'Of these, measures that could be held against the hub in at least 200 accounts and windows.',
    `kpis_linked` Int64 COMMENT 'Of these, measures of which a link with anything in the hub is confirmed: it is linked over all windows, and the newest ones alone show it again. Of the many pairs that are looked at some are linked by chance; hardly any of these is confirmed.',
    `kpis_harming` Int64 COMMENT 'Of these, measures of which a confirmed link says that what is better for the spoke goes with what is worse for the customer.',
    `strongest_link` Nullable(Float64) COMMENT 'The confirmed partial correlation that is farthest from 0. NULL where none is confirmed.',
    `company_centred` Nullable(Bool) COMMENT 'No link of a measure of the spoke with anything in the hub is confirmed. NULL where none could be judged.'
)
AS SELECT
    link.spoke AS spoke, toInt64(uniqExact(link.kpi_id)) AS kpis,
    toInt64(uniqExactIf(link.kpi_id, link.n >= 200 AND link.hub_link_low IS NOT NULL)) AS kpis_judged,
    toInt64(uniqExactIf(link.kpi_id, link.confirmed)) AS kpis_linked,
    toInt64(uniqExactIf(link.kpi_id, link.confirmed AND ifNull(NOT link.helps, false))) AS kpis_harming,
    argMaxOrNullIf(assumeNotNull(link.hub_link), abs(assumeNotNull(link.hub_link)), link.confirmed) AS strongest_link,
    if(kpis_judged = 0, NULL, CAST(kpis_linked = 0, 'Nullable(Bool)')) AS company_centred
FROM hub_links AS link
GROUP BY link.spoke
COMMENT 'The parts of a company: is anything that they are measured by linked with what customers get and feel, beyond what chance alone would show?';

CREATE OR REPLACE VIEW ritual_focus${on_cluster}
(
    `ritual_id` String COMMENT 'The ritual.',
    `kind` LowCardinality(String) COMMENT 'What it decides about: promotion, raise, bonus, hiring, budget, recognition or other.',
    `criteria` Int64 COMMENT 'Criteria: those of the ritual itself, and measures that name it; each once.',
    `customer_criteria` Int64 COMMENT 'Of these, criteria that name a customer outcome: a measure with orientation customer, or the objective of a recorded outcome.',
    `customer_criteria_names` Array(String) COMMENT 'These criteria, sorted.',
    `customer_share` Nullable(Float64) COMMENT 'customer_criteria / criteria. NULL without criteria.',
    `money_decided` Nullable(Float64) COMMENT 'Money that it decides about, in the base currency; NULL: not said.',
    `customer_money` Nullable(Float64) COMMENT 'money_decided x customer_share: the part of the money that hangs on customer outcomes. NULL where one of both is not known.'
)
AS WITH
    named AS (
        SELECT ritual_id, arrayJoin(criteria) AS criterion FROM rituals FINAL
        UNION DISTINCT
        SELECT assumeNotNull(ritual), kpi_id FROM kpis FINAL WHERE ritual IS NOT NULL
    ),
    judged AS (
        SELECT
            ritual_id AS of_ritual,
            toInt64(count()) AS n,
            arraySort(groupArrayIf(criterion, criterion GLOBAL IN (
                SELECT kpi_id FROM kpis FINAL WHERE orientation = 'customer'
                UNION DISTINCT
                SELECT objective_id FROM fact_outcomes FINAL WHERE NOT synthetic
            ))) AS of_customers
        FROM named
        GROUP BY ritual_id
    )
SELECT
    ritual.ritual_id AS ritual_id, ritual.kind AS kind, judged.n AS criteria,
    toInt64(length(judged.of_customers)) AS customer_criteria, judged.of_customers AS customer_criteria_names,
    customer_criteria / nullIf(criteria, 0) AS customer_share,
    ritual.money_decided AS money_decided,
    ritual.money_decided * customer_share AS customer_money
FROM rituals AS ritual FINAL
GLOBAL LEFT JOIN judged ON ritual.ritual_id = judged.of_ritual
SETTINGS join_use_nulls = 0
COMMENT 'Business rituals of the catalog: do decisions about people and money look at what customers get?';

CREATE OR REPLACE VIEW ritual_customer_share${on_cluster}
(
    `rituals` Int64 COMMENT 'Rituals with criteria.',
    `criteria` Int64 COMMENT 'Their criteria.',
    `customer_criteria` Int64 COMMENT 'Criteria that name a customer outcome.',
    `customer_share` Float64 COMMENT 'customer_criteria / criteria, whatever they decide about.',
    `money_decided` Nullable(Float64) COMMENT 'Money that those of these rituals decide about that say so, in the base currency. NULL where none does.',
    `customer_money` Nullable(Float64) COMMENT 'Of this, what hangs on customer outcomes: the money of a ritual is shared evenly among its criteria.',
    `ritual_customer_share` Nullable(Float64) COMMENT 'Share of criteria that name a customer outcome, weighted by money decided: customer_money / money_decided. NULL where no money is decided.'
)
AS SELECT
    toInt64(count()) AS rituals, sum(focus.criteria) AS criteria, sum(focus.customer_criteria) AS customer_criteria,
    customer_criteria / criteria AS customer_share,
    sumOrNull(focus.money_decided) AS money_decided, sumOrNull(focus.customer_money) AS customer_money,
    customer_money / nullIf(money_decided, 0) AS ritual_customer_share
FROM ritual_focus AS focus
WHERE focus.criteria > 0
HAVING rituals > 0
COMMENT 'All rituals together: how much of what is decided hangs on what customers get. No row without rituals.';

CREATE OR REPLACE VIEW hassle_prevention${on_cluster}
(
    `cause_code` String COMMENT 'What caused the cases, as the newest step of each says that names a cause.',
    `month` Date32 COMMENT 'First day of the local month of the first occurrence.',
    `first_occurrences` Int64 COMMENT 'Cases of accounts that had none of the same cause in the 90 days before.',
    `judged` Int64 COMMENT 'Of these, first occurrences 90 days or more before the newest step of any case.',
    `recurrences` Int64 COMMENT 'Cases of the same account and cause within 90 days after a judged first occurrence.',
    `recurred` Int64 COMMENT 'Judged first occurrences with at least one of these.',
    `hassle_prevention` Nullable(Float64) COMMENT '1 - recurrences / judged: 1 where no cause came back; below 0 where causes came back more than once on average. NULL where none is judged yet.'
)
AS WITH
    (SELECT max(occurred_at) FROM fact_cases FINAL WHERE NOT synthetic) AS as_of,
    began AS (
        SELECT
            account_id, case_id, min(occurred_at) AS began_at, min(day) AS began_on,
            assumeNotNull(argMaxIf(cause_code, (occurred_at, indexOf(
                ['case.opened', 'case.assigned', 'case.contacted', 'case.escalated', 'case.resolved', 'case.confirmed', 'case.reopened'], toString(event_type)
            )), cause_code IS NOT NULL)) AS cause
        FROM fact_cases FINAL
        WHERE NOT synthetic
        GROUP BY account_id, case_id
        HAVING countIf(cause_code IS NOT NULL) > 0
    ),
    beside AS (
        SELECT
            account_id, cause, began_at, began_on,
            row_number() OVER cases = 1 OR lagInFrame(began_at, 1, began_at) OVER cases < began_at - toIntervalDay(90) AS is_first
        FROM began
        WINDOW cases AS (PARTITION BY account_id, cause ORDER BY began_at, case_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ),
    chained AS (
        SELECT
            *,
            max(if(is_first, began_at, NULL)) OVER so_far AS first_at,
            max(if(is_first, began_on, NULL)) OVER so_far AS first_on
        FROM beside
        WINDOW so_far AS (PARTITION BY account_id, cause ORDER BY began_at, NOT is_first ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    ),
    firsts AS (
        SELECT
            account_id, cause, first_at, assumeNotNull(first_on) AS began_on, first_at <= as_of - toIntervalDay(90) AS is_judged,
            toInt64(countIf(NOT is_first AND began_at <= first_at + toIntervalDay(90))) AS again
        FROM chained
        GROUP BY account_id, cause, first_at, first_on
    )
SELECT
    cause AS cause_code,
    began_on - (toDayOfMonth(began_on) - 1) AS month,
    toInt64(count()) AS first_occurrences,
    toInt64(countIf(is_judged)) AS judged,
    sumIf(again, is_judged) AS recurrences,
    toInt64(countIf(is_judged AND again > 0)) AS recurred,
    1 - recurrences / nullIf(judged, 0) AS hassle_prevention
FROM firsts
GROUP BY cause_code, month
COMMENT 'Does what once caused a case stay mended for the customer? Rates are not summable; add up sums and divide again.';

CREATE OR REPLACE VIEW mutual_value${on_cluster}
(
    `account_id` String COMMENT 'The account; those whose customer_roi is not known have no row.',
    `customer_roi` Float64 COMMENT 'Value that the customer vouches for, over what it paid net of refunds, both over all time.',
    `margin` Nullable(Float64) COMMENT 'Share of what it paid that is left after cost, over the purchases whose cost is known; without any the margin of the catalog, where that is not 1. NULL: not known.',
    `mutual_value` Nullable(Float64) COMMENT 'The lesser of customer_roi - 1 and margin: what the side gets that gets less, as a share of what was paid. NULL where margin is not known.',
    `win_win` Nullable(Bool) COMMENT 'Both sides gain: mutual_value is above 0.',
    `sides` LowCardinality(Nullable(String)) COMMENT 'Who gains: both, customer, company or neither. NULL where margin is not known.'
)
AS WITH
    (SELECT any(JSONExtract(value, 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'margin') AS told
SELECT
    delivered.account_id AS account_id,
    assumeNotNull(delivered.customer_roi) AS customer_roi,
    ifNull(history.margin, if(told < 1, told, NULL)) AS margin,
    if(margin IS NULL, NULL, least(customer_roi - 1, margin)) AS mutual_value,
    CAST(mutual_value > 0, 'Nullable(Bool)') AS win_win,
    multiIf(margin IS NULL, NULL, customer_roi > 1 AND margin > 0, 'both', customer_roi > 1, 'customer', margin > 0, 'company', 'neither') AS sides
FROM value_delivered AS delivered
GLOBAL LEFT JOIN (SELECT account_id, margin FROM purchase_history) AS history ON delivered.account_id = history.account_id
WHERE delivered.customer_roi IS NOT NULL
SETTINGS join_use_nulls = 0
COMMENT 'Mutual value: does the customer get more than it pays, and does the company earn on it?';

CREATE OR REPLACE VIEW mutual_value_total${on_cluster}
(
    `accounts` Int64 COMMENT 'Accounts of which customer_roi and margin are known.',
    `both_gain` Int64 COMMENT 'Of these, accounts where customer and company gain.',
    `customer_gains` Int64 COMMENT 'Accounts where the customer alone gains.',
    `company_gains` Int64 COMMENT 'Accounts where the company alone gains.',
    `neither_gains` Int64 COMMENT 'Accounts where neither gains.',
    `win_win_share` Float64 COMMENT 'both_gain / accounts.',
    `win_win_share_low` Float64 COMMENT 'Lower end of its 95 % interval (Wilson).',
    `win_win_share_high` Float64 COMMENT 'Upper end of its 95 % interval (Wilson).'
)
AS WITH 1.959964 AS z
SELECT
    toInt64(count()) AS accounts,
    toInt64(countIf(account.sides = 'both')) AS both_gain,
    toInt64(countIf(account.sides = 'customer')) AS customer_gains,
    toInt64(countIf(account.sides = 'company')) AS company_gains,
    toInt64(countIf(account.sides = 'neither')) AS neither_gains,
    both_gain / accounts AS win_win_share,
    greatest(0., (win_win_share + z * z / (2 * accounts) - z * sqrt((win_win_share * (1 - win_win_share) + z * z / (4 * accounts)) / accounts)) / (1 + z * z / accounts)) AS win_win_share_low,
    least(1., (win_win_share + z * z / (2 * accounts) + z * sqrt((win_win_share * (1 - win_win_share) + z * z / (4 * accounts)) / accounts)) / (1 + z * z / accounts)) AS win_win_share_high
FROM mutual_value AS account
WHERE account.sides IS NOT NULL
HAVING accounts > 0
COMMENT 'Mutual value over all accounts: at how many do both sides gain? No row where it is known of none.';

CREATE OR REPLACE VIEW messages_last_days${on_cluster}
(
    `messages` Int64 COMMENT 'Messages of any purpose.',
    `selling` Int64 COMMENT 'Messages that sell or upsell.',
    `value` Int64 COMMENT 'Messages that teach customers to get more value.',
    `value_share` Nullable(Float64) COMMENT 'value / (value + selling). NULL without either.',
    `sell_to_value` Nullable(Float64) COMMENT 'selling / value. NULL without value messages.',
    `offers` Int64 COMMENT 'Offers: distinct products of each message, whatever its purpose.',
    `owned_offers` Int64 COMMENT 'Offers of products that the account owned just before the message.',
    `owned_offer_rate` Nullable(Float64) COMMENT 'owned_offers / offers. NULL without offers.',
    `open_case_offers` Int64 COMMENT 'Offers that were sent while a case of the account was open.',
    `attention_errors` Int64 COMMENT 'Offers that are owned, or were sent while a case was open; an offer that is both counts once.',
    `attention_error_rate` Nullable(Float64) COMMENT 'attention_errors / offers. NULL without offers.'
)
AS SELECT
    toInt64(count()) AS messages,
    toInt64(countIf(message.purpose IN ('sell', 'upsell'))) AS selling,
    toInt64(countIf(message.purpose = 'value_education')) AS value,
    value / nullIf(value + selling, 0) AS value_share,
    selling / nullIf(value, 0) AS sell_to_value,
    sum(message.offers) AS offers,
    sum(message.owned_offers) AS owned_offers,
    owned_offers / nullIf(offers, 0) AS owned_offer_rate,
    sumIf(message.offers, message.case_open) AS open_case_offers,
    sum(message.attention_errors) AS attention_errors,
    attention_errors / nullIf(offers, 0) AS attention_error_rate
FROM message_attention AS message
WHERE message.day > {as_of:Date32} - {days:UInt16} AND message.day <= {as_of:Date32}
HAVING messages > 0
COMMENT 'messages_monthly over the last days up to a date, that date included: SELECT * FROM messages_last_days(days = 365, as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW growth_last_days${on_cluster}
(
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded in these days, in the base currency.',
    `gross_revenue` Decimal(38, 4) COMMENT 'Completed, in the base currency.',
    `refunds` Decimal(38, 4) COMMENT 'Refunded, whenever it was bought, in the base currency; positive.',
    `base` Nullable(Decimal(38, 4)) COMMENT 'Revenue of everybody in as many days before: what the rates are fractions of. NULL where no money moved by then.',
    `induced_revenue` Decimal(38, 4) COMMENT 'Part of gross_revenue with a discount above the limit of the catalog, or of new customers who were bought, or by merger; each purchase once.',
    `customers` Int64 COMMENT 'Accounts with a completed purchase in these days.',
    `customers_before` Int64 COMMENT 'The same in the days before.',
    `customers_kept` Int64 COMMENT 'Accounts that are in both.',
    `nrr` Nullable(Float64) COMMENT 'Net revenue retention: revenue of those who were customers in the days before / base. NULL where base is absent or not above 0, as all rates of base.',
    `grr` Nullable(Float64) COMMENT 'Gross revenue retention: of each of them the lesser of what it brought before and what it brings now, not below 0, / base.',
    `earned_new` Nullable(Float64) COMMENT 'Revenue of new customers who came by referral or recommendation / base.',
    `bought_new` Nullable(Float64) COMMENT 'Revenue of new customers who came by advertising, promotion or sales / base.',
    `earned_growth_rate` Nullable(Float64) COMMENT 'nrr + earned_new - 1.',
    `earned_growth_ratio` Nullable(Float64) COMMENT 'earned_growth_rate / (revenue / base - 1). NULL where revenue did not change.',
    `induced_share` Nullable(Float64) COMMENT 'induced_revenue / gross_revenue. NULL where nothing was bought.',
    `logo_retention` Nullable(Float64) COMMENT 'customers_kept / customers_before. NULL where nobody bought in the days before.'
)
AS WITH
    ifNull((SELECT any(toDecimal128OrNull(value, 6)) FROM catalog_settings FINAL WHERE name = 'induced_discount'), toDecimal128('0.2', 6)) AS induced_discount,
    movements AS (
        SELECT
            account_id, occurred_at, transaction_id, day, amount_base, is_new_customer, toString(acquisition_reason) AS reason,
            day > {as_of:Date32} - {days:UInt16} AS now,
            NOT now AND day > {as_of:Date32} - 2 * toInt32({days:UInt16}) AS before,
            event_type = 'transaction.completed' AS completed,
            completed AND now AND (
                acquisition_reason = 'merger'
                OR toDecimal128(discount, 4) > induced_discount * (toDecimal128(amount, 4) + toDecimal128(discount, 4))
            ) AS is_induced
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day <= {as_of:Date32}
    ),
    sums AS (
        SELECT
            account_id,
            countIf(completed AND now) AS bought, countIf(completed AND before) AS bought_before, countIf(NOT now) AS earlier,
            sumIf(amount_base, completed AND now) AS gross, sumIf(amount_base, NOT completed AND now) AS back,
            sumIf(amount_base, completed AND before) - sumIf(amount_base, NOT completed AND before) AS net_before,
            sumIf(amount_base, is_induced) AS induced,
            argMinIf((is_new_customer, reason, now), (occurred_at, transaction_id), completed) AS first_purchase,
            countIf(completed AND now AND ifNull(is_new_customer, false)) > 0 AS said_new,
            argMinIf(reason, (occurred_at, transaction_id), completed AND now AND ifNull(is_new_customer, false)) AS first_said_new
        FROM movements
        GROUP BY account_id
    ),
    accounts AS (
        SELECT
            bought, bought_before, earlier, gross, back, gross - back AS net, net_before,
            bought > 0 AND first_purchase.3 AND isNull(first_purchase.1) AS is_new_by_default,
            if(is_new_by_default, first_purchase.2, first_said_new) AS came,
            (is_new_by_default OR said_new) AND bought_before = 0 AS is_new,
            if(is_new AND came IN ('advertising', 'promotion', 'sales', 'merger'), gross, induced) AS induced_now
        FROM sums
    ),
    totals AS (
        SELECT
            sum(net) AS all_net, sum(gross) AS all_gross, sum(back) AS all_back, sum(net_before) AS all_before, sum(earlier) AS all_earlier,
            sum(induced_now) AS all_induced,
            sumIf(net, bought_before > 0) AS kept,
            sumIf(least(net_before, greatest(net, toDecimal128(0, 4))), bought_before > 0) AS capped,
            sumIf(net, is_new AND came IN ('referral', 'recommendation')) AS earned,
            sumIf(net, is_new AND came IN ('advertising', 'promotion', 'sales')) AS bought_in,
            toInt64(countIf(bought > 0)) AS n, toInt64(countIf(bought_before > 0)) AS n_before, toInt64(countIf(bought > 0 AND bought_before > 0)) AS n_kept,
            if(all_before > 0, toFloat64(all_before), NULL) AS basis
        FROM accounts
        HAVING count() > 0
    )
SELECT
    all_net AS revenue, all_gross AS gross_revenue, all_back AS refunds,
    if(all_earlier > 0, all_before, NULL) AS base,
    all_induced AS induced_revenue,
    n AS customers, n_before AS customers_before, n_kept AS customers_kept,
    toFloat64(kept) / basis AS nrr,
    toFloat64(capped) / basis AS grr,
    toFloat64(earned) / basis AS earned_new,
    toFloat64(bought_in) / basis AS bought_new,
    toFloat64(kept + earned - all_before) / basis AS earned_growth_rate,
    if(basis IS NULL, NULL, toFloat64(kept + earned - all_before) / nullIf(toFloat64(all_net - all_before), 0)) AS earned_growth_ratio,
    toFloat64(all_induced) / nullIf(toFloat64(all_gross), 0) AS induced_share,
    n_kept / nullIf(n_before, 0) AS logo_retention
FROM totals
COMMENT 'growth_monthly over the last days up to a date, that date included, against as many days before: SELECT * FROM growth_last_days(days = 90, as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW value_delivered_last_days${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `outcomes` Int64 COMMENT 'Outcomes that were measured in these days, each as it was measured last in them.',
    `outcomes_attested` Int64 COMMENT 'Of these, outcomes that the customer alone vouches for.',
    `weight` Float64 COMMENT 'Sum of their weights; together with weighted_progress it lets VDIs of groups be computed.',
    `weighted_progress` Float64 COMMENT 'Sum of weight x progress; progress is (current - baseline) / (target - baseline), cut to 0..1.',
    `vdi` Float64 COMMENT 'Value delivered index, 0 to 1: weighted_progress / weight, whoever vouches for it.',
    `value_attested` Decimal(38, 4) COMMENT 'Money value that the customer alone vouches for, in the base currency.',
    `value_claimed` Decimal(38, 4) COMMENT 'Money value that was promised, whoever vouches for the outcome.',
    `proof_ratio` Nullable(Float64) COMMENT 'value_attested / value_claimed. NULL where nothing was claimed.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded in the same days, in the base currency.',
    `customer_roi` Nullable(Float64) COMMENT 'value_attested / revenue. NULL where revenue is not above 0.'
)
AS WITH
    newest AS (
        SELECT
            account_id, outcome_id,
            argMax((attested_by, weight, least(greatest((current - baseline) / (target - baseline), 0), 1), value_amount_base, claimed_amount_base), (occurred_at, event_id)) AS last
        FROM fact_outcomes FINAL
        WHERE NOT synthetic AND day > {as_of:Date32} - {days:UInt16} AND day <= {as_of:Date32}
        GROUP BY account_id, outcome_id
    ),
    paid AS (
        SELECT account_id, sumIf(amount_base, event_type = 'transaction.completed') - sumIf(amount_base, event_type = 'transaction.refunded') AS revenue
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day > {as_of:Date32} - {days:UInt16} AND day <= {as_of:Date32}
        GROUP BY account_id
    )
SELECT
    outcome.account_id AS account_id,
    toInt64(count()) AS outcomes,
    toInt64(countIf(outcome.last.1 = 'customer')) AS outcomes_attested,
    sum(outcome.last.2) AS weight,
    sum(outcome.last.2 * outcome.last.3) AS weighted_progress,
    weighted_progress / weight AS vdi,
    sumIf(ifNull(outcome.last.4, toDecimal64(0, 4)), outcome.last.1 = 'customer') AS value_attested,
    sum(ifNull(outcome.last.5, toDecimal64(0, 4))) AS value_claimed,
    toFloat64(value_attested) / nullIf(toFloat64(value_claimed), 0) AS proof_ratio,
    any(paid.revenue) AS revenue,
    if(revenue > 0, toFloat64(value_attested) / toFloat64(revenue), NULL) AS customer_roi
FROM newest AS outcome
GLOBAL LEFT JOIN paid ON outcome.account_id = paid.account_id
GROUP BY outcome.account_id
SETTINGS join_use_nulls = 0
COMMENT 'value_delivered of the last days up to a date, that date included, with revenue of the same days: SELECT * FROM value_delivered_last_days(days = 365, as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW feedback_debts_as_of${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response that nobody had acted upon.',
    `programme` String COMMENT 'Programme of its survey in the catalog, else the survey.',
    `unit_id` Nullable(String) COMMENT 'The unit that it rates.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it was given (UTC).',
    `due_at` DateTime64(6, 'UTC') COMMENT 'Until when the survey\'s rule wanted it to be followed up (UTC).',
    `month` Date32 COMMENT 'First day of the local month of due_at.',
    `revenue` Decimal(38, 4) COMMENT 'Revenue of the account until then, completed minus refunded, in the base currency: what was at stake. An account may owe several answers, so count each account once when adding up.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    -- From the date: the text of a midnight over which clocks are put forward is read as an hour of the day before.
    toDateTime64({as_of:Date32} + 1, 6, zone) AS ends,
    -- On the newest day it is not known what comes until midnight.
    least(ends, (SELECT max(occurred_at) FROM fact_responses FINAL WHERE NOT synthetic)) AS looked_at,
    owing AS (
        SELECT
            given.account_id AS account_id, given.response_id AS response_id, given.unit_id AS unit_id, given.occurred_at AS occurred_at,
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme,
            addMicroseconds(given.occurred_at, toInt64(round(if(survey.survey_id = '', 48, survey.action_rule.2) * 3600000000))) AS due_at
        FROM fact_responses AS given FINAL
        GLOBAL LEFT JOIN (SELECT survey_id, programme, action_rule FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.class IS NOT NULL AND given.day <= {as_of:Date32}
            AND (given.account_id, given.response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
            AND has(if(survey.survey_id = '', ['detractor'], survey.action_rule.1), toString(given.class))
            AND due_at < looked_at
            AND (given.account_id, given.response_id) GLOBAL NOT IN (
                SELECT account_id, assumeNotNull(response_id) FROM fact_cases FINAL WHERE NOT synthetic AND response_id IS NOT NULL AND occurred_at < ends
            )
            AND (given.account_id, given.response_id) GLOBAL NOT IN (
                SELECT account_id, arrayJoin(response_ids) FROM fact_communications FINAL WHERE NOT synthetic AND occurred_at < ends
            )
    ),
    paid AS (
        SELECT account_id, sum(if(event_type = 'transaction.completed', amount_base, -amount_base)) AS net
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day <= {as_of:Date32} AND account_id GLOBAL IN (SELECT account_id FROM owing)
        GROUP BY account_id
    )
SELECT
    owing.account_id AS account_id, owing.response_id AS response_id, owing.programme AS programme, owing.unit_id AS unit_id,
    owing.occurred_at AS occurred_at, owing.due_at AS due_at,
    toDate32(toTimezone(owing.due_at, zone)) - (toDayOfMonth(toTimezone(owing.due_at, zone)) - 1) AS month,
    paid.net AS revenue
FROM owing
GLOBAL LEFT JOIN paid ON owing.account_id = paid.account_id
SETTINGS join_use_nulls = 0
COMMENT 'feedback_debts at the end of another day: SELECT * FROM feedback_debts_as_of(as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW follow_up_last_days${on_cluster}
(
    `programme` String COMMENT 'Programme of the survey in the catalog, else the survey; none: of cases that name no known response.',
    `due` Int64 COMMENT 'Cases whose contact was due in these days, and that had begun by the end of the last of them.',
    `in_sla` Int64 COMMENT 'Of these, cases whose customer was contacted in time.',
    `late` Int64 COMMENT 'Cases whose customer was contacted after the due time, but by the end of the last of these days.',
    `not_contacted` Int64 COMMENT 'Cases whose customer had not been contacted by then; in_sla + late + not_contacted = due.',
    `sla_attainment` Nullable(Float64) COMMENT 'in_sla / due. NULL where nothing was due. Never sum or average it: compute it again from the sums.',
    `median_hours_to_contact` Nullable(Float64) COMMENT 'Hours within which half of the customers of these cases were contacted: Kaplan-Meier, those without contact by the end of the last of these days censored then, or where the case was last seen before. NULL where fewer than half were.',
    `ended` Int64 COMMENT 'Of the due cases, those whose newest step by the end of the last of these days is resolved or confirmed.',
    `told_asked` Int64 COMMENT 'Counted responses of these days that answer whether one was told what was done about earlier feedback.',
    `told_yes` Int64 COMMENT 'Those of them that say yes.',
    `lip_service_gap` Nullable(Float64) COMMENT 'ended / due minus told_yes / told_asked: above 0, more is done than customers hear of; below 0, they believe in more than is done. NULL where one of both is missing. Never sum or average it: compute it again from the sums.',
    `lip_service_gap_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval, from Wilson\'s of both shares (Newcombe\'s method 10). NULL where lip_service_gap is.',
    `lip_service_gap_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, from Wilson\'s of both shares (Newcombe\'s method 10). NULL where lip_service_gap is.',
    `feedback_debt` Int64 COMMENT 'Responses that had to be followed up in these days, and that no case and no message was about by the end of the last of them; feedback_debts_as_of has each.',
    `feedback_debt_revenue` Decimal(38, 4) COMMENT 'Revenue until then of the accounts that they are of, each once, in the base currency.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    toDateTime64({as_of:Date32} + 1, 6, zone) AS ends,
    -- As in follow_up: Kaplan-Meier's median of (hours, censored), sorted. 0: it never comes to one half.
    times -> arrayFirstIndex(
        left -> left <= log(0.5) + 1e-9,
        arrayCumSum(arrayMap((time, place) -> if(time.2, 0., log((length(times) - place) / (length(times) - place + 1))), times, arrayEnumerate(times)))
    ) AS half_of,
    -- Wilson's interval of a share: squares of z, their half and quarter written out.
    (good, n) -> (good + 1.920729440648) / (n + 3.841458881296) AS middle,
    (good, n) -> 1.959964 * sqrt(good * (n - good) / n + 0.960364720324) / (n + 3.841458881296) AS reach,
    -- How each case stood by then: whether its newest step ended it, and when. A case of which nothing had happened yet was none.
    last_steps AS (
        SELECT
            account_id, case_id,
            argMax((event_type IN ('case.resolved', 'case.confirmed'), occurred_at), (occurred_at, indexOf(
                ['case.opened', 'case.assigned', 'case.contacted', 'case.escalated', 'case.resolved', 'case.confirmed', 'case.reopened'], toString(event_type)
            ))) AS newest,
            newest.1 AS ends_it, newest.2 AS ended_at
        FROM fact_cases FINAL
        WHERE NOT synthetic AND occurred_at < ends
        GROUP BY account_id, case_id
    ),
    cases_due AS (
        SELECT
            followed.programme AS programme,
            toInt64(count()) AS n_due,
            toInt64(countIf(followed.in_sla)) AS n_kept,
            toInt64(countIf(NOT followed.in_sla AND ifNull(followed.contacted_at < ends, false))) AS n_late,
            toInt64(countIf(state.ends_it)) AS n_ended,
            arraySort(groupArray((
                multiIf(
                    ifNull(followed.contacted_at < ends, false), followed.hours,
                    state.ends_it, greatest(dateDiff('microsecond', followed.opened_at, state.ended_at), 0) / 3600000000,
                    least(followed.hours, greatest(dateDiff('microsecond', followed.opened_at, ends), 0) / 3600000000)
                ),
                NOT ifNull(followed.contacted_at < ends, false)
            ))) AS waits,
            half_of(waits) AS half
        FROM follow_up_cases AS followed
        GLOBAL INNER JOIN last_steps AS state ON followed.account_id = state.account_id AND followed.case_id = state.case_id
        WHERE followed.is_due AND toDate32(toTimezone(followed.due_at, zone)) > {as_of:Date32} - {days:UInt16}
            AND toDate32(toTimezone(followed.due_at, zone)) <= {as_of:Date32}
        GROUP BY followed.programme
    ),
    debts AS (
        SELECT programme, toInt64(sum(one.owed)) AS n_owed, sum(one.revenue) AS money
        FROM (
            SELECT programme, account_id, count() AS owed, any(debt.revenue) AS revenue
            FROM `${database}`.feedback_debts_as_of(as_of = {as_of:Date32}) AS debt
            WHERE toDate32(toTimezone(debt.due_at, zone)) > {as_of:Date32} - {days:UInt16}
            GROUP BY programme, account_id
        ) AS one
        GROUP BY programme
    ),
    hearing AS (
        SELECT
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme,
            toInt64(count()) AS n_asked, toInt64(countIf(given.told_about_action)) AS n_yes
        FROM fact_responses AS given FINAL
        GLOBAL LEFT JOIN (SELECT survey_id, programme FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.told_about_action IS NOT NULL
            AND given.day > {as_of:Date32} - {days:UInt16} AND given.day <= {as_of:Date32}
            AND (given.account_id, given.response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY programme
    ),
    parts AS (
        SELECT programme, n_due, n_kept, n_late, if(half = 0, NULL, waits[half].1) AS median, n_ended, toInt64(0) AS n_asked, toInt64(0) AS n_yes,
            toInt64(0) AS n_owed, toDecimal128(0, 4) AS money
        FROM cases_due
        UNION ALL
        SELECT programme, 0, 0, 0, NULL, 0, n_asked, n_yes, 0, toDecimal128(0, 4) FROM hearing
        UNION ALL
        SELECT programme, 0, 0, 0, NULL, 0, 0, 0, n_owed, money FROM debts
    )
SELECT
    part.programme AS programme,
    sum(part.n_due) AS due,
    sum(part.n_kept) AS in_sla,
    sum(part.n_late) AS late,
    due - in_sla - late AS not_contacted,
    in_sla / nullIf(due, 0) AS sla_attainment,
    max(part.median) AS median_hours_to_contact,
    sum(part.n_ended) AS ended,
    sum(part.n_asked) AS told_asked,
    sum(part.n_yes) AS told_yes,
    ended / nullIf(due, 0) - told_yes / nullIf(told_asked, 0) AS lip_service_gap,
    lip_service_gap - sqrt(
        pow(ended / due - middle(ended, due) + reach(ended, due), 2) + pow(middle(told_yes, told_asked) + reach(told_yes, told_asked) - told_yes / told_asked, 2)
    ) AS lip_service_gap_low,
    lip_service_gap + sqrt(
        pow(middle(ended, due) + reach(ended, due) - ended / due, 2) + pow(told_yes / told_asked - middle(told_yes, told_asked) + reach(told_yes, told_asked), 2)
    ) AS lip_service_gap_high,
    sum(part.n_owed) AS feedback_debt,
    sum(part.money) AS feedback_debt_revenue
FROM parts AS part
GROUP BY part.programme
SETTINGS join_use_nulls = 0
COMMENT 'Follow-up over the last days up to a date, that date included, as it stood at its end: SELECT * FROM follow_up_last_days(days = 28, as_of = \'2026-03-31\').';
