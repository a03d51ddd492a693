-- What customers are worth to the company and the company to them: growth, messages, value delivered, scorecards.

CREATE OR REPLACE VIEW account_months${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `month` Date32 COMMENT 'First day of the month; months are those of local dates.',
    `standing` LowCardinality(String) COMMENT 'kept (bought in the month before too), lost (bought in the month before only), earned_new (new, by referral or recommendation), bought_new (new, by advertising, promotion or sales), other_new (new, by merger or for reasons unknown), returned (not new, and did not buy in the month before), refunded (bought in neither month, but got money back in this one).',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded in this month, in the base currency.',
    `revenue_before` Decimal(38, 4) COMMENT 'The same in the month before.',
    `gross_revenue` Decimal(38, 4) COMMENT 'Completed in this month, in the base currency.',
    `refunds` Decimal(38, 4) COMMENT 'Refunded in this month, whenever it was bought, in the base currency; positive.',
    `induced_revenue` Decimal(38, 4) COMMENT 'Part of gross_revenue that was induced: all of an account that is new and bought, or new by merger; else purchases by merger and those with a discount above the limit of the catalog.',
    `purchases` Int64 COMMENT 'Completed transactions in this month.',
    `purchases_before` Int64 COMMENT 'The same in the month before.',
    `acquisition_reason` LowCardinality(Nullable(String)) COMMENT 'Why the customer came, as the purchase says that made it new; NULL where it is not new.',
    `referrer_account_id` Nullable(String) COMMENT 'The account that the same purchase names as referrer.',
    `came_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When that purchase was (UTC).'
)
AS WITH
    (SELECT max(day) FROM fact_transactions FINAL WHERE NOT synthetic) AS last_day,
    ifNull((SELECT any(toDecimal128OrNull(value, 6)) FROM catalog_settings FINAL WHERE name = 'induced_discount'), toDecimal128('0.2', 6)) AS induced_discount,
    months AS (
        SELECT
            account_id,
            toYear(day) * 12 + toMonth(day) - 1 AS number,
            countIf(event_type = 'transaction.completed') AS purchases,
            sumIf(amount_base, event_type = 'transaction.completed') AS gross_revenue,
            sumIf(amount_base, event_type = 'transaction.refunded') AS refunds,
            sumIf(amount_base, event_type = 'transaction.completed' AND (
                acquisition_reason = 'merger'
                OR toDecimal128(discount, 4) > induced_discount * (toDecimal128(amount, 4) + toDecimal128(discount, 4))
            )) AS induced_revenue
        FROM fact_transactions FINAL
        WHERE NOT synthetic
        GROUP BY account_id, number
    ),
    -- Few purchases can make an account new: those that say so, and the first of all. Hashes are quicker to look up than names and times; where two
    -- share one, a later purchase is looked at for nothing.
    newcomers AS (
        SELECT
            account_id,
            toYear(day) * 12 + toMonth(day) - 1 AS number,
            argMin((is_new_customer, toString(acquisition_reason), referrer_account_id, occurred_at), (occurred_at, transaction_id)) AS first_purchase,
            countIf(ifNull(is_new_customer, false)) > 0 AS said_new,
            argMinIf(
                (is_new_customer, toString(acquisition_reason), referrer_account_id, occurred_at), (occurred_at, transaction_id),
                ifNull(is_new_customer, false)
            ) AS first_said_new
        FROM fact_transactions FINAL
        WHERE NOT synthetic AND event_type = 'transaction.completed' AND (
            ifNull(is_new_customer, false) OR cityHash64(account_id, occurred_at) GLOBAL IN (
                SELECT cityHash64(account_id, min(occurred_at))
                FROM fact_transactions FINAL
                WHERE NOT synthetic AND event_type = 'transaction.completed'
                GROUP BY account_id
            )
        )
        GROUP BY account_id, number
    ),
    beside AS (
        SELECT
            account_id, number, purchases, gross_revenue, refunds, induced_revenue,
            gross_revenue - refunds AS revenue,
            purchases > 0 AND number = min(if(purchases > 0, number, NULL)) OVER account AS is_first,
            lagInFrame(number, 1, 0) OVER account = number - 1 AS is_next,
            lagInFrame(purchases, 1, 0) OVER account AS last_purchases,
            lagInFrame(gross_revenue - refunds, 1) OVER account AS last_revenue,
            leadInFrame(number, 1, 0) OVER account AS number_after
        FROM months
        WINDOW account AS (PARTITION BY account_id ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    ),
    -- Who bought in one month and then neither bought nor got money back has a row in the month after, too.
    told AS (
        SELECT *, idle, number + idle AS of_number
        FROM beside
        ARRAY JOIN if(purchases > 0 AND number_after != number + 1, [false, true], [false]) AS idle
        WHERE number + idle <= toYear(last_day) * 12 + toMonth(last_day) - 1
    ),
    every AS (
        SELECT
            told.account_id AS account_id, told.of_number AS of_number,
            -- The first purchase of all is new where nothing else is said; it comes before whatever is said to be new in its month.
            told.is_first AND isNull(newcomers.first_purchase.1) AS is_new_by_default,
            if(is_new_by_default, newcomers.first_purchase, newcomers.first_said_new) AS came,
            NOT told.idle AND (is_new_by_default OR newcomers.said_new) AND NOT (told.is_next AND told.last_purchases > 0) AS is_new,
            if(told.idle, 0, told.gross_revenue) AS gross, if(told.idle, 0, told.refunds) AS back,
            if(told.idle, 0, told.induced_revenue) AS induced, if(told.idle, 0, told.purchases) AS bought,
            multiIf(told.idle, told.revenue, told.is_next, told.last_revenue, toDecimal128(0, 4)) AS net_before,
            multiIf(told.idle, told.purchases, told.is_next, told.last_purchases, 0) AS bought_before
        FROM told
        GLOBAL LEFT JOIN newcomers ON told.account_id = newcomers.account_id AND told.number = newcomers.number
    )
SELECT
    account_id,
    makeDate32(intDiv(of_number, 12), of_number % 12 + 1, 1) AS month,
    multiIf(
        bought > 0 AND bought_before > 0, 'kept',
        bought_before > 0, 'lost',
        is_new AND came.2 IN ('referral', 'recommendation'), 'earned_new',
        is_new AND came.2 IN ('advertising', 'promotion', 'sales'), 'bought_new',
        is_new, 'other_new',
        bought > 0, 'returned',
        'refunded'
    ) AS standing,
    gross - back AS revenue, net_before AS revenue_before, gross AS gross_revenue, back AS refunds,
    if(is_new AND came.2 IN ('advertising', 'promotion', 'sales', 'merger'), gross, induced) AS induced_revenue,
    bought AS purchases, bought_before AS purchases_before,
    if(is_new, came.2, NULL) AS acquisition_reason,
    if(is_new, came.3, NULL) AS referrer_account_id,
    if(is_new, came.4, NULL) AS came_at
FROM every
SETTINGS join_use_nulls = 0
COMMENT 'Growth, account by account: what became of each customer in each month in which money moved, and in the month after one in which it bought.';

CREATE OR REPLACE VIEW growth_monthly${on_cluster}
(
    `month` Date32 COMMENT 'First day of the month; every month from the first to the last in which money moved.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded, in the base currency.',
    `gross_revenue` Decimal(38, 4) COMMENT 'Completed, in the base currency.',
    `refunds` Decimal(38, 4) COMMENT 'Refunded in this month, whenever it was bought, in the base currency; positive.',
    `base` Nullable(Decimal(38, 4)) COMMENT 'Revenue of the month before, of everybody: what the rates are fractions of. NULL in the first month.',
    `kept_revenue` Decimal(38, 4) COMMENT 'Revenue of those who were customers in the month before: what nrr is made of. It is below 0 where they got back more than they paid.',
    `kept_revenue_capped` Decimal(38, 4) COMMENT 'The same, but of each account the lesser of what it brought in the month before and what it brings now, which is 0 where it is below: what grr is made of.',
    `earned_new_revenue` Decimal(38, 4) COMMENT 'Revenue of new customers who came by referral or recommendation.',
    `bought_new_revenue` Decimal(38, 4) COMMENT 'Revenue of new customers who came by advertising, promotion or sales.',
    `other_new_revenue` Decimal(38, 4) COMMENT 'Revenue of new customers who came by merger or for reasons unknown.',
    `other_revenue` Decimal(38, 4) COMMENT 'The rest of revenue: of customers who came back after a pause, and refunds to accounts that bought in neither month.',
    `induced_revenue` Decimal(38, 4) COMMENT 'Part of gross_revenue with a discount above the limit of the catalog, or of new customers who were bought, or by merger; each purchase once.',
    `customers` Int64 COMMENT 'Accounts with a completed purchase in the month.',
    `customers_before` Int64 COMMENT 'The same in the month before.',
    `customers_kept` Int64 COMMENT 'Accounts that are in both.',
    `customers_new` Int64 COMMENT 'New customers, whatever the reason.',
    `customers_earned_new` Int64 COMMENT 'New customers who came by referral or recommendation.',
    `customers_bought_new` Int64 COMMENT 'New customers who came by advertising, promotion or sales.',
    `customers_returned` Int64 COMMENT 'Customers who are not new and were none in the month before.',
    `nrr` Nullable(Float64) COMMENT 'Net revenue retention: kept_revenue / base. NULL where base is absent or not above 0, as all rates of base.',
    `grr` Nullable(Float64) COMMENT 'Gross revenue retention: kept_revenue_capped / base.',
    `earned_new` Nullable(Float64) COMMENT 'earned_new_revenue / base.',
    `bought_new` Nullable(Float64) COMMENT 'bought_new_revenue / base.',
    `earned_growth_rate` Nullable(Float64) COMMENT 'nrr + earned_new - 1.',
    `earned_growth_ratio` Nullable(Float64) COMMENT 'earned_growth_rate / (revenue / base - 1): the part of growth that was earned. NULL where revenue did not change. Below 0 where one of both is growth and the other shrinkage.',
    `induced_share` Nullable(Float64) COMMENT 'induced_revenue / gross_revenue. NULL where nothing was bought.',
    `logo_retention` Nullable(Float64) COMMENT 'customers_kept / customers_before. NULL where nobody bought in the month before.',
    `is_over` Bool COMMENT 'Money moved in a later month. The rates of the newest month are those of a part of it, which is no fall.'
)
AS WITH
    sums AS (
        SELECT
            account.month AS month,
            sum(account.revenue) AS net,
            sum(account.gross_revenue) AS gross,
            sum(account.refunds) AS back,
            sumIf(account.revenue, account.purchases_before > 0) AS kept,
            sumIf(least(account.revenue_before, greatest(account.revenue, toDecimal128(0, 4))), account.purchases_before > 0) AS capped,
            sumIf(account.revenue, account.standing = 'earned_new') AS earned,
            sumIf(account.revenue, account.standing = 'bought_new') AS bought,
            sumIf(account.revenue, account.standing = 'other_new') AS otherwise,
            sum(account.induced_revenue) AS induced,
            toInt64(countIf(account.purchases > 0)) AS n,
            toInt64(countIf(account.standing = 'kept')) AS n_kept,
            toInt64(countIf(account.standing = 'earned_new')) AS n_earned,
            toInt64(countIf(account.standing = 'bought_new')) AS n_bought,
            toInt64(countIf(account.standing = 'other_new')) AS n_otherwise,
            toInt64(countIf(account.standing = 'returned')) AS n_returned
        FROM account_months AS account
        GROUP BY account.month
        ORDER BY month WITH FILL STEP INTERVAL 1 MONTH
    ),
    beside AS (
        SELECT
            *,
            row_number() OVER (ORDER BY month) > 1 AS has_before,
            lagInFrame(net, 1) OVER (ORDER BY month) AS net_before,
            lagInFrame(n, 1, 0) OVER (ORDER BY month) AS n_before,
            if(net_before > 0, toFloat64(net_before), NULL) AS basis
        FROM sums
    )
SELECT
    month, net AS revenue, gross AS gross_revenue, back AS refunds,
    if(has_before, net_before, NULL) AS base,
    kept AS kept_revenue, capped AS kept_revenue_capped, earned AS earned_new_revenue, bought AS bought_new_revenue, otherwise AS other_new_revenue,
    net - kept - earned - bought - otherwise AS other_revenue,
    induced AS induced_revenue,
    n AS customers, n_before AS customers_before, n_kept AS customers_kept, n_earned + n_bought + n_otherwise AS customers_new,
    n_earned AS customers_earned_new, n_bought AS customers_bought_new, n_returned AS customers_returned,
    toFloat64(kept) / basis AS nrr,
    toFloat64(capped) / basis AS grr,
    toFloat64(earned) / basis AS earned_new,
    toFloat64(bought) / basis AS bought_new,
    toFloat64(kept + earned - net_before) / basis AS earned_growth_rate,
    if(basis IS NULL, NULL, toFloat64(kept + earned - net_before) / nullIf(toFloat64(net - net_before), 0)) AS earned_growth_ratio,
    toFloat64(induced) / nullIf(toFloat64(gross), 0) AS induced_share,
    n_kept / nullIf(n_before, 0) AS logo_retention,
    CAST(month < max(month) OVER (), 'Bool') AS is_over
FROM beside
COMMENT 'Growth per month: how much was kept, how much was earned by customers who recommend, how much was bought. Rates are not summable; add up sums and divide again.';

CREATE OR REPLACE VIEW referrals_monthly${on_cluster}
(
    `month` Date32 COMMENT 'First day of the month.',
    `customers` Int64 COMMENT 'Accounts with a completed purchase in the month.',
    `customers_new` Int64 COMMENT 'New customers among them.',
    `customers_referred` Int64 COMMENT 'New customers whose first purchase says referral, or names the account that referred them.',
    `gross_revenue` Decimal(38, 4) COMMENT 'Completed in the month, in the base currency.',
    `referred_revenue` Decimal(38, 4) COMMENT 'Of this, what referred new customers paid.',
    `referral_rate` Nullable(Float64) COMMENT 'customers_referred / customers. NULL where nobody bought.',
    `referral_revenue_share` Nullable(Float64) COMMENT 'referred_revenue / gross_revenue. NULL where nothing was bought.',
    `promoters` Int64 COMMENT 'Accounts that answered as promoters (nps) in the month; counted responses alone.',
    `promoters_who_referred` Int64 COMMENT 'Of these, accounts that a new customer named as referrer within 180 days after the answer. It grows until that time has passed.',
    `actual_promoter_rate` Nullable(Float64) COMMENT 'promoters_who_referred / promoters: how many who say that they would recommend are known to have done it. NULL without promoters.'
)
AS WITH
    said AS (
        SELECT account_id AS promoter, occurred_at, day - (toDayOfMonth(day) - 1) AS month
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND class = 'promoter'
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    referred AS (
        SELECT assumeNotNull(referrer_account_id) AS referrer, assumeNotNull(came_at) AS came_at
        FROM account_months
        WHERE referrer_account_id IS NOT NULL
            -- Accounts of which no purchase names a referrer need not be gone through.
            AND account_id GLOBAL IN (SELECT account_id FROM fact_transactions FINAL WHERE referrer_account_id IS NOT NULL AND NOT synthetic)
    ),
    kept AS (
        SELECT promoter, month, max(came.referrer != '' AND came.came_at > said.occurred_at AND came.came_at <= said.occurred_at + INTERVAL 180 DAY) AS has_referred
        FROM said GLOBAL LEFT JOIN referred AS came ON said.promoter = came.referrer
        GROUP BY promoter, month
    ),
    parts AS (
        SELECT
            month, toInt64(countIf(purchases > 0)) AS bought, toInt64(countIf(isNotNull(acquisition_reason))) AS new,
            toInt64(countIf(acquisition_reason = 'referral' OR referrer_account_id IS NOT NULL)) AS came,
            sum(gross_revenue) AS gross, sumIf(gross_revenue, acquisition_reason = 'referral' OR referrer_account_id IS NOT NULL) AS by_referral,
            toInt64(0) AS n, toInt64(0) AS n_referred
        FROM account_months GROUP BY month
        UNION ALL
        SELECT month, 0, 0, 0, toDecimal128(0, 4), toDecimal128(0, 4), toInt64(count()), toInt64(countIf(has_referred)) FROM kept GROUP BY month
    )
SELECT
    part.month AS month, sum(part.bought) AS customers, sum(part.new) AS customers_new, sum(part.came) AS customers_referred,
    sum(part.gross) AS gross_revenue, sum(part.by_referral) AS referred_revenue,
    customers_referred / nullIf(customers, 0) AS referral_rate,
    toFloat64(referred_revenue) / nullIf(toFloat64(gross_revenue), 0) AS referral_revenue_share,
    sum(part.n) AS promoters, sum(part.n_referred) AS promoters_who_referred,
    promoters_who_referred / nullIf(promoters, 0) AS actual_promoter_rate
FROM parts AS part
GROUP BY part.month
SETTINGS join_use_nulls = 0
COMMENT 'Referrals per month: how many customers came by them, and how many who say that they would recommend are known to have done it.';

CREATE OR REPLACE VIEW message_attention${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `message_id` String COMMENT 'Identity of the message within its account.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it was sent (UTC).',
    `day` Date32 COMMENT 'Local date of occurred_at.',
    `purpose` LowCardinality(String) COMMENT 'What the message was for.',
    `campaign_id` Nullable(String) COMMENT 'The campaign.',
    `channel` LowCardinality(String) COMMENT 'How it was sent.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `offers` Int64 COMMENT 'Distinct products offered.',
    `owned_offers` Int64 COMMENT 'Of these, products that the account owned just before the message; consumables are never owned.',
    `owned_product_ids` Array(String) COMMENT 'These products, sorted.',
    `case_open` Bool COMMENT 'A follow-up case of the account was open just before the message.',
    `attention_errors` Int64 COMMENT 'Offers that are owned, or all of them where a case was open; an offer that is both counts once.'
)
AS WITH
    offers AS (
        SELECT account_id, message_id, occurred_at, arrayJoin(arrayDistinct(offer_product_ids)) AS product_id
        FROM fact_communications FINAL
        WHERE NOT synthetic
    ),
    -- What was bought and given back, line by line: purchases, refunds that name products, and refunds that name none but give a purchase back whole.
    movements AS (
        SELECT account_id, occurred_at, lines.1 AS product_id, lines.2 AS quantity
        FROM (
            SELECT account_id, occurred_at, arrayJoin(arrayFilter(line -> NOT line.3, arrayZip(
                product_ids,
                -- Quantities are counted in millionths, so that nothing is owned for want of precision.
                arrayMap(quantity -> if(event_type = 'transaction.completed', 1, -1) * greatest(toInt64(round(quantity * 1000000)), 1), product_quantities),
                product_consumable
            ))) AS lines
            FROM fact_transactions FINAL
            WHERE NOT synthetic AND notEmpty(product_ids)
        )
        UNION ALL
        SELECT account_id, occurred_at, lines.1 AS product_id, lines.2 AS quantity
        FROM (
            SELECT bought.account_id AS account_id, given_back.occurred_at AS occurred_at, arrayJoin(arrayFilter(line -> NOT line.3, arrayZip(
                bought.product_ids,
                arrayMap(quantity -> -greatest(toInt64(round(quantity * 1000000)), 1), bought.product_quantities),
                bought.product_consumable
            ))) AS lines
            FROM fact_transactions AS bought FINAL
            GLOBAL INNER JOIN (
                SELECT account_id, assumeNotNull(original_transaction_id) AS original, amount_base, occurred_at
                FROM fact_transactions FINAL
                WHERE NOT synthetic AND event_type = 'transaction.refunded' AND empty(product_ids) AND original_transaction_id IS NOT NULL
            ) AS given_back ON bought.account_id = given_back.account_id AND bought.transaction_id = given_back.original
                AND bought.amount_base = given_back.amount_base
            WHERE NOT bought.synthetic AND bought.event_type = 'transaction.completed' AND notEmpty(bought.product_ids)
        )
    ),
    -- Joins are on equal keys alone, so that a question about one account reads that account alone.
    owned AS (
        SELECT account_id, message_id, arraySort(groupArray(product_id)) AS product_ids
        FROM (
            SELECT offer.account_id AS account_id, offer.message_id AS message_id, offer.product_id AS product_id
            FROM movements AS movement
            GLOBAL INNER JOIN offers AS offer ON movement.account_id = offer.account_id AND movement.product_id = offer.product_id
            WHERE movement.occurred_at < offer.occurred_at
            GROUP BY account_id, message_id, product_id
            HAVING sum(movement.quantity) > 0
        )
        GROUP BY account_id, message_id
    ),
    -- By how much each step of a case changes the number of open cases; steps at one time in the order in which they follow each other.
    case_changes AS (
        SELECT account_id, groupArrayArray(of_case) AS changes
        FROM (
            SELECT
                account_id, case_id,
                arraySort(groupArray((occurred_at, indexOf(
                    ['case.opened', 'case.assigned', 'case.contacted', 'case.escalated', 'case.resolved', 'case.confirmed', 'case.reopened'],
                    toString(event_type)
                )))) AS steps,
                arrayMap(step -> toInt64(step.2 NOT IN (5, 6)), steps) AS states,
                arrayMap((step, is_open, was_open) -> (step.1, is_open - was_open), steps, states, arrayPushFront(arrayPopBack(states), 0)) AS of_case
            FROM fact_cases FINAL
            WHERE NOT synthetic
            GROUP BY account_id, case_id
        )
        GROUP BY account_id
    )
SELECT
    message.account_id AS account_id, message.message_id AS message_id, message.occurred_at AS occurred_at, message.day AS day,
    message.purpose AS purpose, message.campaign_id AS campaign_id, message.channel AS channel, message.unit_id AS unit_id,
    toInt64(length(arrayDistinct(message.offer_product_ids))) AS offers,
    toInt64(length(owned.product_ids)) AS owned_offers,
    owned.product_ids AS owned_product_ids,
    CAST(arraySum(change -> if(change.1 < message.occurred_at, change.2, 0), case_changes.changes) > 0, 'Bool') AS case_open,
    if(case_open, offers, owned_offers) AS attention_errors
FROM fact_communications AS message FINAL
GLOBAL LEFT JOIN owned ON message.account_id = owned.account_id AND message.message_id = owned.message_id
GLOBAL LEFT JOIN case_changes ON message.account_id = case_changes.account_id
WHERE NOT message.synthetic
SETTINGS join_use_nulls = 0
COMMENT 'Messages, each held against what the account owned, and whether a case of it was open, just before the message.';

CREATE OR REPLACE VIEW messages_monthly${on_cluster}
(
    `month` Date32 COMMENT 'First day of the month; months without messages have no row.',
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
    message.day - (toDayOfMonth(message.day) - 1) AS month,
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
GROUP BY month
COMMENT 'Messages per month: do they sell or help, and do they mind what customers own and suffer? Rates are not summable; add up sums and divide again.';

CREATE OR REPLACE VIEW value_delivered${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `outcomes` Int64 COMMENT 'Outcomes, each as it was measured last.',
    `outcomes_attested` Int64 COMMENT 'Of these, outcomes that the customer alone vouches for.',
    `weight` Float64 COMMENT 'Sum of their weights; together with weighted_progress it lets VDIs of groups be computed.',
    `weighted_progress` Float64 COMMENT 'Sum of weight x progress; progress is (current - baseline) / (target - baseline), cut to 0..1.',
    `vdi` Float64 COMMENT 'Value delivered index, 0 to 1: weighted_progress / weight, whoever vouches for it.',
    `vdi_attested` Nullable(Float64) COMMENT 'The same from outcomes that the customer vouches for. NULL without any.',
    `value_attested` Decimal(38, 4) COMMENT 'Money value that the customer alone vouches for, in the base currency.',
    `value_joint` Decimal(38, 4) COMMENT 'Money value that customer and vendor vouch for together.',
    `value_vendor` Decimal(38, 4) COMMENT 'Money value that the vendor alone vouches for; part of no rate.',
    `value_claimed` Decimal(38, 4) COMMENT 'Money value that was promised, whoever vouches for the outcome.',
    `proof_ratio` Nullable(Float64) COMMENT 'value_attested / value_claimed. NULL where nothing was claimed.',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded, over all time as the values are; 0 for an account that never bought.',
    `customer_roi` Nullable(Float64) COMMENT 'value_attested / revenue: what the customer got for each unit of money that it paid. NULL where revenue is not above 0.'
)
AS WITH newest AS (
    SELECT
        account_id, outcome_id,
        argMax((attested_by, weight, least(greatest((current - baseline) / (target - baseline), 0), 1), value_amount_base, claimed_amount_base), (occurred_at, event_id)) AS last
    FROM fact_outcomes FINAL
    WHERE NOT synthetic
    GROUP BY account_id, outcome_id
)
SELECT
    outcome.account_id AS account_id,
    toInt64(count()) AS outcomes,
    toInt64(countIf(outcome.last.1 = 'customer')) AS outcomes_attested,
    sum(outcome.last.2) AS weight,
    sum(outcome.last.2 * outcome.last.3) AS weighted_progress,
    weighted_progress / weight AS vdi,
    sumIf(outcome.last.2 * outcome.last.3, outcome.last.1 = 'customer') / nullIf(sumIf(outcome.last.2, outcome.last.1 = 'customer'), 0) AS vdi_attested,
    sumIf(ifNull(outcome.last.4, toDecimal64(0, 4)), outcome.last.1 = 'customer') AS value_attested,
    sumIf(ifNull(outcome.last.4, toDecimal64(0, 4)), outcome.last.1 = 'joint') AS value_joint,
    sumIf(ifNull(outcome.last.4, toDecimal64(0, 4)), outcome.last.1 = 'vendor') AS value_vendor,
    sum(ifNull(outcome.last.5, toDecimal64(0, 4))) AS value_claimed,
    toFloat64(value_attested) / nullIf(toFloat64(value_claimed), 0) AS proof_ratio,
    any(account.revenue) AS revenue,
    if(revenue > 0, toFloat64(value_attested) / toFloat64(revenue), NULL) AS customer_roi
FROM newest AS outcome
GLOBAL LEFT JOIN (SELECT account_id, revenue FROM cell_accounts FINAL) AS account ON outcome.account_id = account.account_id
GROUP BY outcome.account_id
SETTINGS join_use_nulls = 0
COMMENT 'Value that each account got, from its outcomes as they were measured last; what the customer vouches for stands apart from what was claimed.';

CREATE OR REPLACE VIEW scorecard_moves${on_cluster}
(
    `scorecard` String COMMENT 'The scorecard.',
    `unit_id` String COMMENT 'The unit.',
    `window_start` Date32 COMMENT 'First day, a Monday, of the 28-day window that is compared with the one before it.',
    `customer_move` Float64 COMMENT 'How far the measures that serve the customer moved together, in standard errors; above 0: for the better.',
    `company_move` Float64 COMMENT 'The same of the measures that serve the company.',
    `opposite` Bool COMMENT 'Both moved by more than one standard error, one for the better and one for the worse.',
    `conflict` Bool COMMENT 'Opposite in this window and in the one before, each time in the same direction.'
)
AS WITH
    observed AS (
        SELECT toString(assumeNotNull(unit_id)) AS unit, toString(measure) AS name, day, value
        FROM fact_operations FINAL
        WHERE NOT synthetic AND unit_id IS NOT NULL
        UNION ALL
        SELECT toString(assumeNotNull(unit_id)), toString(metric), day, assumeNotNull(score_mapped)
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND unit_id IS NOT NULL
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    windows AS (
        SELECT
            unit, name, intDiv(toInt64(toInt32(day)) - 4 - positiveModulo(toInt32(day) - 4, 28), 28) AS number,
            avg(value) AS mean, varSampStable(value) / count() AS error_squared
        FROM observed
        WHERE name GLOBAL IN (SELECT ifNull(measure, kpi_id) FROM kpis FINAL)
        GROUP BY unit, name, number
        HAVING count() > 1
    ),
    steps AS (
        SELECT
            unit, name, number,
            (mean - lagInFrame(mean, 1) OVER before) / sqrt(error_squared + lagInFrame(error_squared, 1) OVER before) AS z
        FROM windows
        WINDOW before AS (PARTITION BY unit, name ORDER BY number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
        QUALIFY lagInFrame(number, 1, number) OVER before = number - 1 AND error_squared + lagInFrame(error_squared, 1) OVER before > 0
    ),
    moves AS (
        SELECT
            kpi.scorecard AS of_scorecard, step.unit AS unit, step.number AS number,
            sumIf(kpi.weight * if(kpi.better = 'lower', -1, 1) * step.z, kpi.orientation = 'customer')
                / sqrt(sumIf(kpi.weight * kpi.weight, kpi.orientation = 'customer')) AS customer,
            sumIf(kpi.weight * if(kpi.better = 'lower', -1, 1) * step.z, kpi.orientation = 'company')
                / sqrt(sumIf(kpi.weight * kpi.weight, kpi.orientation = 'company')) AS company
        FROM steps AS step
        GLOBAL INNER JOIN (SELECT *, ifNull(measure, kpi_id) AS name FROM kpis FINAL) AS kpi ON step.name = kpi.name
        GROUP BY of_scorecard, unit, number
        HAVING countIf(kpi.orientation = 'customer') > 0 AND countIf(kpi.orientation = 'company') > 0
    ),
    directed AS (
        SELECT *, multiIf(customer > 1 AND company < -1, 1, customer < -1 AND company > 1, -1, 0) AS direction FROM moves
    )
SELECT
    of_scorecard AS scorecard, unit AS unit_id, toDate32('1970-01-05') + number * 28 AS window_start,
    customer AS customer_move, company AS company_move,
    CAST(direction != 0, 'Bool') AS opposite,
    CAST(direction != 0 AND lagInFrame(number, 1, 0) OVER before = number - 1 AND lagInFrame(direction, 1, 0) OVER before = direction, 'Bool') AS conflict
FROM directed
WINDOW before AS (PARTITION BY of_scorecard, unit ORDER BY number ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
COMMENT 'How measures that serve the customer and measures that serve the company moved at each unit, from window to window, weighted as the scorecard weighs them.';

CREATE OR REPLACE VIEW mixed_messages${on_cluster}
(
    `scorecard` String COMMENT 'The scorecard.',
    `kpis` Int64 COMMENT 'Measures on it.',
    `company_kpis` Int64 COMMENT 'Of these, measures that serve the company.',
    `ratio` Float64 COMMENT 'Mixed-message ratio: weight of the measures that serve the company, over the weight of all. 0: all serve the customer.',
    `ratio_paid` Nullable(Float64) COMMENT 'The same with weights times the share of variable pay that depends on each. NULL where no pay does.',
    `conflicts` Nullable(Int64) COMMENT 'How often, over units and 28-day windows, customer and company measures moved opposite ways by more than one standard error twice in a row. NULL where measures of both kinds were never observed in two windows of a unit that follow each other.'
)
AS SELECT
    kpi.scorecard AS scorecard,
    toInt64(count()) AS kpis,
    toInt64(countIf(kpi.orientation = 'company')) AS company_kpis,
    sumIf(kpi.weight, kpi.orientation = 'company') / sum(kpi.weight) AS ratio,
    sumIf(kpi.weight * kpi.payout_share, kpi.orientation = 'company') / nullIf(sum(kpi.weight * kpi.payout_share), 0) AS ratio_paid,
    any(moved.conflicts) AS conflicts
FROM kpis AS kpi FINAL
GLOBAL LEFT JOIN (
    SELECT scorecard, toNullable(toInt64(countIf(conflict))) AS conflicts FROM scorecard_moves GROUP BY scorecard
) AS moved ON kpi.scorecard = moved.scorecard
GROUP BY kpi.scorecard
SETTINGS join_use_nulls = 0
COMMENT 'Scorecards: how much of what is measured and paid serves the company rather than the customer.';
