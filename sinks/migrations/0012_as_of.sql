-- How often accounts buy or answer, and what of their revenue is at risk; each as of any day.

CREATE OR REPLACE VIEW engagement_last_days${on_cluster}
(
    `account_id` String COMMENT 'The account; every one that was known by as_of, those that did nothing included.',
    `unit_id` String COMMENT 'The unit that its newest counted response by then rates; empty: it has not answered.',
    `days` Int64 COMMENT 'Length of the window: what engagement is a share of.',
    `days_known` Int64 COMMENT 'Days of the window since the account was first seen, that day included: a new account cannot have been active on more.',
    `active_days` Int64 COMMENT 'Local days of the window on which it gave a counted response or completed a purchase; recurring charges are no purchases here.',
    `purchase_days` Int64 COMMENT 'Of these, days with a purchase.',
    `response_days` Int64 COMMENT 'Of these, days with a response; a day may have both.',
    `engagement` Float64 COMMENT 'active_days / days, 0 to 1. Never sum it: the engagement of a group is the sum of active_days over the sum of days.',
    `purchases` Int64 COMMENT 'Completed purchases in the window, recurring charges left out.',
    `breadth` Int64 COMMENT 'Distinct products of these purchases, consumables included: how much of the offer it uses.',
    `triggered_replies` Int64 COMMENT 'Counted responses of the window that name an invitation or a transaction: replies to what happened. Their days are active days as well.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    counted AS (
        SELECT account_id, response_id, occurred_at, day, ifNull(unit_id, '') AS of_unit, invitation_id IS NOT NULL OR transaction_id IS NOT NULL AS is_reply
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND day <= {as_of:Date32}
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    acts AS (
        SELECT account_id, day, 0 AS is_purchase, is_reply, emptyArrayString() AS products
        FROM counted
        WHERE day > {as_of:Date32} - {days:UInt16}
        UNION ALL
        SELECT account_id, day, 1, 0, product_ids
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND event_type = 'transaction.completed' AND NOT recurring AND day > {as_of:Date32} - {days:UInt16} AND day <= {as_of:Date32}
    ),
    active AS (
        SELECT
            account_id, uniqExact(day) AS days_active, uniqExactIf(day, is_purchase) AS days_bought, uniqExactIf(day, NOT is_purchase) AS days_answered,
            sum(is_purchase) AS bought, length(groupUniqArrayArray(products)) AS products_bought, sum(is_reply) AS replies
        FROM acts
        GROUP BY account_id
    ),
    rated AS (SELECT account_id, argMax(of_unit, (occurred_at, response_id)) AS last_unit FROM counted GROUP BY account_id)
SELECT
    cell.account_id AS account_id,
    rated.last_unit AS unit_id,
    toInt64({days:UInt16}) AS days,
    toInt64(least(days, toInt32({as_of:Date32}) - toInt32(toDate32(toTimezone(cell.first_seen, zone))) + 1)) AS days_known,
    toInt64(active.days_active) AS active_days,
    toInt64(active.days_bought) AS purchase_days,
    toInt64(active.days_answered) AS response_days,
    active_days / days AS engagement,
    toInt64(active.bought) AS purchases,
    toInt64(active.products_bought) AS breadth,
    toInt64(active.replies) AS triggered_replies
FROM cell_accounts AS cell FINAL
GLOBAL LEFT JOIN active ON cell.account_id = active.account_id
GLOBAL LEFT JOIN rated ON cell.account_id = rated.account_id
WHERE toDate32(toTimezone(cell.first_seen, zone)) <= {as_of:Date32}
SETTINGS join_use_nulls = 0
COMMENT 'On how many of the last days up to a date, that date included, each account bought or answered, replies to invitations included: SELECT * FROM engagement_last_days(days = 28, as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW engagement${on_cluster}
(
    `account_id` String COMMENT 'The account; every one, those that did nothing included.',
    `unit_id` String COMMENT 'The unit that its newest counted response rates; empty: it has not answered.',
    `as_of` Date32 COMMENT 'The local day of the newest event of any account: the last day of the window, which may have only just begun.',
    `days_known` Int64 COMMENT 'Of the 28 days those since the account was first seen, that day included: a new account cannot have been active on more.',
    `active_days` Int64 COMMENT 'Of the last 28 local days those on which it gave a counted response or completed a purchase; recurring charges are no purchases here.',
    `purchase_days` Int64 COMMENT 'Of these, days with a purchase.',
    `response_days` Int64 COMMENT 'Of these, days with a response; a day may have both.',
    `engagement` Float64 COMMENT 'active_days / 28, 0 to 1. Never sum it: the engagement of a group is the sum of active_days over 28 times its accounts.',
    `purchases` Int64 COMMENT 'Completed purchases of the 28 days, recurring charges left out.',
    `breadth` Int64 COMMENT 'Distinct products of these purchases, consumables included: how much of the offer it uses.',
    `triggered_replies` Int64 COMMENT 'Counted responses of the 28 days that name an invitation or a transaction: replies to what happened. Their days are active days as well.'
)
AS WITH
    (SELECT toDate32(toTimezone(max(last_seen), ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC'))) FROM cell_accounts FINAL) AS newest
SELECT account_id, unit_id, newest AS as_of, days_known, active_days, purchase_days, response_days, engagement, purchases, breadth, triggered_replies
FROM `${database}`.engagement_last_days(
    days = 28,
    as_of = (SELECT toDate32(toTimezone(max(last_seen), ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC'))) FROM cell_accounts FINAL)
)
COMMENT 'Engagement of each account: on how many of the last 28 days it bought or answered, replies to invitations included. engagement_last_days tells it of other days.';

CREATE OR REPLACE VIEW engagement_by_unit${on_cluster}
(
    `unit_id` String COMMENT 'The unit that the accounts rated last, so that each account is in one; empty: accounts that have not answered.',
    -- include: engagement_columns
)
AS WITH
    -- include: engagement_formulas
SELECT
    one.unit_id AS unit_id,
    -- include: engagement_means
FROM engagement AS one
GROUP BY one.unit_id
COMMENT 'Engagement by the unit that accounts rated last. Accounts and days may be added up over units; engagement is computed again from them.';

CREATE OR REPLACE VIEW engagement_by_segment${on_cluster}
(
    `loyalty_segment` LowCardinality(String) COMMENT 'truly_loyal, accessible, trapped or high_risk, as account_segments says now; unknown: accounts without a segment.',
    -- include: engagement_columns
)
AS WITH
    -- include: engagement_formulas
SELECT
    one.loyalty_segment AS loyalty_segment,
    -- include: engagement_means
FROM (
    SELECT toLowCardinality(ifNull(toString(segment.loyalty_segment), 'unknown')) AS loyalty_segment, did.as_of AS as_of, did.active_days AS active_days
    FROM engagement AS did
    GLOBAL LEFT JOIN account_segments AS segment ON did.account_id = segment.account_id
) AS one
GROUP BY one.loyalty_segment
COMMENT 'Engagement by segment of the loyalty matrix. Accounts and days may be added up over segments; engagement is computed again from them.';

CREATE OR REPLACE VIEW account_segments_as_of${on_cluster}
(
    `account_id` String COMMENT 'The account; every one that was known by as_of.',
    `unit_id` String COMMENT 'The unit that its newest counted response by then rates, of which feeling is; empty: it had not answered.',
    `feeling` Nullable(Float64) COMMENT 'The newest counted score of any metric by then, as a share of its scale, 0 to 1. NULL without responses.',
    `probability_alive` Nullable(Float64) COMMENT 'Probability, 0 to 1, that the account still bought then, by what it had bought until then; 1 by the model for whoever had bought on one day only; under the parameters of the last run of candor fit. NULL where it had not bought, or nothing was fitted.',
    `loyalty_segment` LowCardinality(Nullable(String)) COMMENT 'truly_loyal (feels well, alive), accessible (feels well, not alive), trapped (feels ill, alive) or high_risk; whoever bought on one day only is alive by the model; cut where the catalog\'s loyalty_matrix says, feeling 0.7 and probability 0.5 by default. NULL where one of both is not known.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded until then, in the base currency.',
    `revenue_last_year` Decimal(38, 4) COMMENT 'The same of the last 365 days until then.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    -- Shares of scales are of decimal numbers: what is equal on paper must be equal here.
    ifNull((SELECT any(JSONExtract(value, 'attitude', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.7) - 1e-9 AS least_feeling,
    ifNull((SELECT any(JSONExtract(value, 'behaviour', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.5) AS least_alive,
    (SELECT any(parameters) FROM model_runs WHERE last AND model = 'purchases' AND state = 'fitted') AS fitted,
    said AS (
        SELECT
            account_id,
            toNullable(argMax((score - scale_min) / (scale_max - scale_min), (occurred_at, response_id))) AS newest_feeling,
            argMax(ifNull(unit_id, ''), (occurred_at, response_id)) AS newest_unit
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND score IS NOT NULL AND day <= {as_of:Date32}
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY account_id
    ),
    alive AS (
        SELECT
            account_id,
            -- BG/NBD, in logarithms, since the ratio to a high power leaves the range of numbers for frequent customers.
            log(fitted['a']) - log(fitted['b'] + frequency - 1)
                + (fitted['r'] + frequency) * (log(fitted['alpha'] + age_weeks) - log(fitted['alpha'] + recency_weeks)) AS odds,
            toNullable(if(frequency > 0, 1 / (1 + exp(least(odds, 700.))), 1.)) AS probability
        FROM `${database}`.purchase_history_as_of(as_of = {as_of:Date32})
    ),
    paid AS (
        SELECT
            account_id,
            sum(if(event_type = 'transaction.completed', amount_base, -amount_base)) AS net,
            sumIf(if(event_type = 'transaction.completed', amount_base, -amount_base), day > {as_of:Date32} - 365) AS net_last_year
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day <= {as_of:Date32}
        GROUP BY account_id
    )
SELECT
    cell.account_id AS account_id,
    said.newest_unit AS unit_id,
    said.newest_feeling AS feeling,
    if(empty(fitted), NULL, alive.probability) AS probability_alive,
    toLowCardinality(multiIf(
        feeling IS NULL OR probability_alive IS NULL, NULL,
        feeling >= least_feeling AND probability_alive >= least_alive, 'truly_loyal',
        feeling >= least_feeling, 'accessible',
        probability_alive >= least_alive, 'trapped',
        'high_risk'
    )) AS loyalty_segment,
    paid.net AS revenue,
    paid.net_last_year AS revenue_last_year
FROM cell_accounts AS cell FINAL
GLOBAL LEFT JOIN said ON cell.account_id = said.account_id
GLOBAL LEFT JOIN alive ON cell.account_id = alive.account_id
GLOBAL LEFT JOIN paid ON cell.account_id = paid.account_id
WHERE toDate32(toTimezone(cell.first_seen, zone)) <= {as_of:Date32}
SETTINGS join_use_nulls = 0
COMMENT 'The loyalty matrix as of another day, that day included: SELECT * FROM account_segments_as_of(as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW revenue_at_risk_as_of${on_cluster}
(
    `unit_id` String COMMENT 'The unit that the accounts had rated last by then, so that each account is in one; empty: accounts that had not answered.',
    `loyalty_segment` LowCardinality(String) COMMENT 'truly_loyal, accessible, trapped or high_risk by then; unknown: accounts of which it cannot be told, since they had not answered or not bought, or nothing was fitted.',
    `at_risk` Nullable(Bool) COMMENT 'The segment is trapped or high_risk: revenue of customers who feel ill. NULL where it is unknown.',
    `currency` String COMMENT 'The base currency of the catalog, of all money here.',
    `accounts` Int64 COMMENT 'Accounts of the unit in the segment, known by then.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded over all time until then.',
    `revenue_last_year` Decimal(38, 4) COMMENT 'Completed minus refunded in the last 365 days until then.',
    `revenue_at_risk` Decimal(38, 4) COMMENT 'revenue where at_risk, else 0: it may be added up over rows.',
    `revenue_at_risk_last_year` Decimal(38, 4) COMMENT 'revenue_last_year where at_risk, else 0: it may be added up over rows.'
)
AS WITH
    ifNull((SELECT if(max(base_currency) = '', 'EUR', max(base_currency)) FROM base_currency FINAL), 'EUR') AS of_money
SELECT
    one.unit_id AS unit_id,
    toLowCardinality(ifNull(toString(one.loyalty_segment), 'unknown')) AS loyalty_segment,
    CAST(if(loyalty_segment = 'unknown', NULL, loyalty_segment IN ('trapped', 'high_risk')), 'Nullable(Bool)') AS at_risk,
    of_money AS currency,
    toInt64(count()) AS accounts,
    sum(one.revenue) AS revenue,
    sum(one.revenue_last_year) AS revenue_last_year,
    if(ifNull(at_risk, false), revenue, toDecimal128(0, 4)) AS revenue_at_risk,
    if(ifNull(at_risk, false), revenue_last_year, toDecimal128(0, 4)) AS revenue_at_risk_last_year
FROM `${database}`.account_segments_as_of(as_of = {as_of:Date32}) AS one
GROUP BY unit_id, loyalty_segment
COMMENT 'revenue_at_risk as of another day, that day included: SELECT * FROM revenue_at_risk_as_of(as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW revenue_at_risk${on_cluster}
(
    `unit_id` String COMMENT 'The unit that the accounts rated last, so that each account is in one; empty: accounts that have not answered.',
    `loyalty_segment` LowCardinality(String) COMMENT 'truly_loyal, accessible, trapped or high_risk, as account_segments says; unknown: accounts of which it cannot be told, since they have not answered or not bought, or nothing was fitted.',
    `at_risk` Nullable(Bool) COMMENT 'The segment is trapped or high_risk: revenue of customers who feel ill. NULL where it is unknown.',
    `currency` String COMMENT 'The base currency of the catalog, of all money here.',
    `accounts` Int64 COMMENT 'Accounts of the unit in the segment.',
    `accounts_bought_once` Int64 COMMENT 'Of these, accounts that bought on one day only: the model cannot see them leave, so they count as still buying.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded over all time, as accounts has it.',
    `revenue_last_year` Decimal(38, 4) COMMENT 'Completed minus refunded in the 365 days up to the newest day of the transactions.',
    `revenue_at_risk` Decimal(38, 4) COMMENT 'revenue where at_risk, else 0: it may be added up over rows.',
    `revenue_at_risk_last_year` Decimal(38, 4) COMMENT 'revenue_last_year where at_risk, else 0: it may be added up over rows.',
    `lifetime_value` Nullable(Float64) COMMENT 'Margin expected of these accounts in the next 52 weeks, discounted at 10 % a year; NULL where it is known of none.'
)
AS WITH
    ifNull((SELECT if(max(base_currency) = '', 'EUR', max(base_currency)) FROM base_currency FINAL), 'EUR') AS of_money,
    (SELECT max(day) FROM fact_transactions WHERE NOT synthetic) AS newest,
    paid AS (
        SELECT account_id, sum(if(event_type = 'transaction.completed', amount_base, -amount_base)) AS net
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND day > newest - 365
        GROUP BY account_id
    )
SELECT
    one.unit_id AS unit_id,
    toLowCardinality(ifNull(toString(one.loyalty_segment), 'unknown')) AS loyalty_segment,
    CAST(if(loyalty_segment = 'unknown', NULL, loyalty_segment IN ('trapped', 'high_risk')), 'Nullable(Bool)') AS at_risk,
    of_money AS currency,
    toInt64(count()) AS accounts,
    toInt64(countIf(fitted.account_id != '' AND fitted.frequency = 0)) AS accounts_bought_once,
    sum(cell.revenue) AS revenue,
    sum(paid.net) AS revenue_last_year,
    if(ifNull(at_risk, false), revenue, toDecimal128(0, 4)) AS revenue_at_risk,
    if(ifNull(at_risk, false), revenue_last_year, toDecimal128(0, 4)) AS revenue_at_risk_last_year,
    sumOrNull(fitted.lifetime_value) AS lifetime_value
FROM account_segments AS one
GLOBAL INNER JOIN (SELECT account_id, revenue FROM cell_accounts FINAL) AS cell ON one.account_id = cell.account_id
GLOBAL LEFT JOIN paid ON one.account_id = paid.account_id
GLOBAL LEFT JOIN (SELECT account_id, frequency, lifetime_value FROM account_predictions) AS fitted ON one.account_id = fitted.account_id
GROUP BY unit_id, loyalty_segment
SETTINGS join_use_nulls = 0
COMMENT 'What revenue hangs on how customers feel and whether they still buy: by unit and segment of the loyalty matrix. All sums may be added up.';

CREATE OR REPLACE VIEW revenue_at_risk_by_unit${on_cluster}
(
    `unit_id` String COMMENT 'The unit that the accounts rated last, so that each account is in one; empty: accounts that have not answered.',
    `currency` String COMMENT 'The base currency of the catalog, of all money here.',
    `accounts` Int64 COMMENT 'Accounts with a segment of the loyalty matrix: the n of the shares.',
    `accounts_at_risk` Int64 COMMENT 'Of these, accounts that are trapped or high_risk.',
    `accounts_unknown` Int64 COMMENT 'Accounts without a segment; they are in none of the other numbers.',
    `at_risk_share` Nullable(Float64) COMMENT 'accounts_at_risk / accounts. NULL without accounts. Never sum or average it: compute it again from the sums.',
    `at_risk_share_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (Wilson). NULL without accounts.',
    `at_risk_share_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval (Wilson). NULL without accounts.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded of the accounts with a segment, over all time.',
    `revenue_at_risk` Decimal(38, 4) COMMENT 'Of this, that of the accounts at risk.',
    `revenue_last_year` Decimal(38, 4) COMMENT 'revenue of the 365 days up to the newest day of the transactions.',
    `revenue_at_risk_last_year` Decimal(38, 4) COMMENT 'Of this, that of the accounts at risk.',
    `revenue_at_risk_share` Nullable(Float64) COMMENT 'revenue_at_risk / revenue. NULL where revenue is not above 0. Never sum or average it: compute it again from the sums.'
)
AS WITH 1.959964 AS z
SELECT
    one.unit_id AS unit_id,
    any(one.currency) AS currency,
    sumIf(one.accounts, one.at_risk IS NOT NULL) AS accounts,
    sumIf(one.accounts, ifNull(one.at_risk, false)) AS accounts_at_risk,
    sumIf(one.accounts, one.at_risk IS NULL) AS accounts_unknown,
    accounts_at_risk / nullIf(accounts, 0) AS at_risk_share,
    if(accounts = 0, NULL, greatest(0., (at_risk_share + z * z / (2 * accounts) - z * sqrt((at_risk_share * (1 - at_risk_share) + z * z / (4 * accounts)) / accounts)) / (1 + z * z / accounts))) AS at_risk_share_low,
    if(accounts = 0, NULL, least(1., (at_risk_share + z * z / (2 * accounts) + z * sqrt((at_risk_share * (1 - at_risk_share) + z * z / (4 * accounts)) / accounts)) / (1 + z * z / accounts))) AS at_risk_share_high,
    sumIf(one.revenue, one.at_risk IS NOT NULL) AS revenue,
    sum(one.revenue_at_risk) AS revenue_at_risk,
    sumIf(one.revenue_last_year, one.at_risk IS NOT NULL) AS revenue_last_year,
    sum(one.revenue_at_risk_last_year) AS revenue_at_risk_last_year,
    if(revenue > 0, toFloat64(revenue_at_risk) / toFloat64(revenue), NULL) AS revenue_at_risk_share
FROM revenue_at_risk AS one
GROUP BY one.unit_id
COMMENT 'Revenue at risk by unit, with its share. Of all units: SELECT sum(revenue_at_risk) / sum(revenue) FROM revenue_at_risk_by_unit.';
