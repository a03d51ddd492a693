-- What became of customers who had to be followed up, and what people were worth who got what they expected.

CREATE OR REPLACE VIEW follow_up_cases${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `case_id` String COMMENT 'The case.',
    `response_id` Nullable(String) COMMENT 'The response that it follows up, as its earliest step says that names one.',
    `programme` String COMMENT 'Programme of the response\'s survey in the catalog; else the survey itself; none: the case names no response that is known.',
    `trigger` String COMMENT 'What started it, as its earliest opening says, else its first step; empty: not said.',
    `opened_at` DateTime64(6, 'UTC') COMMENT 'Time of its earliest opening, else of its first step (UTC).',
    `due_at` DateTime64(6, 'UTC') COMMENT 'When contact is due (UTC): as its earliest opening says; else opened_at plus the hours of the policy for its trigger (48 without one), counted in the hours of the policy\'s business calendar where it has one.',
    `month` Date32 COMMENT 'First day of the local month of due_at.',
    `contacted_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the customer was first contacted (UTC); NULL: not yet. Escalation or resolution is no contact.',
    `resolved_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was first resolved or confirmed (UTC); NULL: not yet.',
    `ended_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of its newest step where that is resolved or confirmed (UTC); NULL: the case is open.',
    `is_open` Bool COMMENT 'Its newest step is neither resolved nor confirmed.',
    `is_due` Bool COMMENT 'due_at has passed, as of the newest step of any case.',
    `in_sla` Bool COMMENT 'The customer was contacted until due_at.',
    `hours` Float64 COMMENT 'Hours from opened_at to the contact; without contact to where the case was last seen: its end, or the newest step of any case while it is open.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    (SELECT max(occurred_at) FROM fact_cases FINAL WHERE NOT synthetic) AS as_of,
    steps AS (
        SELECT
            account_id, case_id, response_id, toString(ifNull(trigger, '')) AS trigger, due_at, occurred_at, toString(event_type) AS step,
            (occurred_at, indexOf(
                ['case.opened', 'case.assigned', 'case.contacted', 'case.escalated', 'case.resolved', 'case.confirmed', 'case.reopened'], step
            )) AS place,
            step = 'case.opened' AS opens, step = 'case.contacted' AS contacts, step IN ('case.resolved', 'case.confirmed') AS ends
        FROM fact_cases FINAL
        WHERE NOT synthetic
    ),
    known AS (
        SELECT
            account_id, case_id,
            argMin(response_id, place) AS response,
            -- The opening counts where there is one, whenever it was; a tuple keeps what it left out.
            argMin((trigger, due_at, occurred_at), (NOT opens, place)) AS start,
            max(opens) AS was_opened,
            if(max(contacts), minIf(occurred_at, contacts), NULL) AS contacted,
            if(max(ends), minIf(occurred_at, ends), NULL) AS resolved,
            argMax((ends, occurred_at), place) AS last_step
        FROM steps
        GROUP BY account_id, case_id
    ),
    policies AS (
        SELECT
            trigger, any(hours) AS hours, any(ifNull(business_calendar, '')) AS calendar
        FROM sla_policies FINAL
        GROUP BY trigger
    ),
    governed AS (
        SELECT
            known.*, start.1 AS trigger, start.3 AS opened,
            if(was_opened, start.2, NULL) AS given,
            if(policies.trigger = '', 48, policies.hours) AS hours, policies.calendar AS calendar,
            JSONExtract(calendar, 'weekdays', 'Array(UInt8)') AS weekdays,
            JSONExtract(calendar, 'holidays', 'Array(String)') AS holidays,
            JSONExtractString(calendar, 'opens') AS opens_at, JSONExtractString(calendar, 'closes') AS closes_at
        FROM known
        GLOBAL LEFT JOIN policies ON known.start.1 = policies.trigger
    ),
    timed AS (
        SELECT
            *,
            toInt64(hours * 3600000000) AS allowed,
            toDate(toTimezone(opened, zone)) AS first_day,
            toInt64(dateDiff('minute', parseDateTimeBestEffort(concat('2000-01-01 ', if(calendar = '', '00:00', opens_at))),
                parseDateTimeBestEffort(concat('2000-01-01 ', if(calendar = '', '00:01', closes_at))))) * 60000000 AS a_day,
            if(calendar = '', 0, intDiv(allowed, a_day) * 7 + length(holidays) + 16) AS span,
            -- Microseconds that count on each day from the opening on, and their sums.
            arrayMap(number -> first_day + number, range(toUInt32(span))) AS days,
            arrayMap(day -> toUnixTimestamp64Micro(toDateTime64(concat(toString(day), ' ', if(closes_at = '', '00:00', closes_at), ':00'), 6, zone)), days) AS closing,
            arrayMap(
                (day, closed) -> if(
                    has(weekdays, toDayOfWeek(day)) AND NOT has(holidays, toString(day)),
                    greatest(closed - greatest(
                        toUnixTimestamp64Micro(toDateTime64(concat(toString(day), ' ', if(opens_at = '', '00:00', opens_at), ':00'), 6, zone)),
                        toUnixTimestamp64Micro(opened)
                    ), 0), 0
                ), days, closing
            ) AS counting,
            arrayCumSum(counting) AS counted,
            arrayFirstIndex(sum -> sum >= allowed, counted) AS last
        FROM governed
    ),
    due AS (
        SELECT
            account_id, case_id, response, trigger, opened, contacted, resolved, last_step,
            multiIf(
                given IS NOT NULL, given,
                calendar = '', addMicroseconds(opened, allowed),
                fromUnixTimestamp64Micro(closing[last] - (counted[last] - allowed), 'UTC')
            ) AS due_at
        FROM timed
    ),
    named AS (SELECT account_id, response_id, any(survey_id) AS survey_id FROM fact_responses FINAL GROUP BY account_id, response_id)
SELECT
    due.account_id AS account_id, due.case_id AS case_id, due.response AS response_id,
    multiIf(named.survey_id = '', 'none', ifNull(survey.programme, '') = '', named.survey_id, assumeNotNull(survey.programme)) AS programme,
    due.trigger AS trigger, due.opened AS opened_at, assumeNotNull(due.due_at) AS due_at,
    toStartOfMonth(toDate32(toTimezone(assumeNotNull(due.due_at), zone))) AS month,
    due.contacted AS contacted_at, due.resolved AS resolved_at,
    if(due.last_step.1, due.last_step.2, NULL) AS ended_at, CAST(NOT due.last_step.1, 'Bool') AS is_open,
    CAST(ifNull(due.due_at <= as_of, false), 'Bool') AS is_due,
    CAST(ifNull(due.contacted <= due.due_at, false), 'Bool') AS in_sla,
    dateDiff('microsecond', due.opened, greatest(ifNull(due.contacted, if(due.last_step.1, due.last_step.2, assumeNotNull(as_of))), due.opened)) / 3600000000 AS hours
FROM due
GLOBAL LEFT JOIN named ON due.account_id = named.account_id AND due.response = named.response_id
GLOBAL LEFT JOIN (SELECT survey_id, programme FROM surveys FINAL) AS survey ON named.survey_id = survey.survey_id
SETTINGS join_use_nulls = 0
COMMENT 'Follow-up cases, one row each, put together from their steps in whatever order they came.';

CREATE OR REPLACE VIEW feedback_debts${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response that nobody acted upon.',
    `programme` String COMMENT 'Programme of its survey in the catalog, else the survey.',
    `unit_id` Nullable(String) COMMENT 'The unit that it rates.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it was given (UTC).',
    `due_at` DateTime64(6, 'UTC') COMMENT 'Until when the survey\'s rule wanted it to be followed up (UTC).',
    `month` Date32 COMMENT 'First day of the local month of due_at.',
    `revenue` Decimal(38, 4) COMMENT 'Revenue of the account, completed minus refunded, in the base currency: what is at stake. An account may owe several answers, so count each account once when adding up.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    (SELECT max(occurred_at) FROM fact_responses FINAL WHERE NOT synthetic) AS as_of,
    owing AS (
        SELECT
            given.account_id AS account_id, given.response_id AS response_id, given.unit_id AS unit_id, given.occurred_at AS occurred_at,
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme,
            addMicroseconds(given.occurred_at, toInt64(if(survey.survey_id = '', 48, survey.action_rule.2) * 3600000000)) AS due_at
        FROM responses AS given
        GLOBAL LEFT JOIN (SELECT survey_id, programme, action_rule FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.class IS NOT NULL
            AND has(if(survey.survey_id = '', ['detractor'], survey.action_rule.1), toString(given.class))
    )
SELECT
    owing.account_id AS account_id, owing.response_id AS response_id, owing.programme AS programme, owing.unit_id AS unit_id,
    owing.occurred_at AS occurred_at, owing.due_at AS due_at, toStartOfMonth(toDate32(toTimezone(owing.due_at, zone))) AS month,
    account.revenue AS revenue
FROM owing
GLOBAL LEFT JOIN (SELECT account_id, revenue FROM cell_accounts FINAL) AS account ON owing.account_id = account.account_id
WHERE owing.due_at < as_of
    AND (owing.account_id, owing.response_id) GLOBAL NOT IN (
        SELECT account_id, assumeNotNull(response_id) FROM fact_cases FINAL WHERE NOT synthetic AND response_id IS NOT NULL
    )
    AND (owing.account_id, owing.response_id) GLOBAL NOT IN (
        SELECT account_id, arrayJoin(response_ids) FROM fact_communications FINAL WHERE NOT synthetic
    )
SETTINGS join_use_nulls = 0
COMMENT 'Responses that the rule of their survey wanted to be followed up, whose time has passed, and that no case and no message is about; as of the newest response.';

CREATE OR REPLACE VIEW follow_up${on_cluster}
(
    `programme` String COMMENT 'Programme of the survey in the catalog, else the survey; none: of cases that name no known response.',
    `month` Date32 COMMENT 'First day of the local month in which contact was due; of told_asked: in which the answer was given.',
    `cases` Int64 COMMENT 'Cases, those that are not due yet included.',
    `due` Int64 COMMENT 'Cases whose due time has passed: the honest denominator.',
    `in_sla` Int64 COMMENT 'Of the due cases, those whose customer was contacted in time.',
    `sla_attainment` Nullable(Float64) COMMENT 'in_sla / due. NULL where nothing is due.',
    `median_hours_to_contact` Nullable(Float64) COMMENT 'Hours within which half of the customers were contacted: Kaplan-Meier over all cases, those without contact censored where they were last seen. NULL where fewer than half were.',
    `detractors_contacted` Int64 COMMENT 'Counted detractors (nps) with a case in which they were contacted.',
    `rescued` Int64 COMMENT 'Of these, accounts whose next counted nps response within 180 days was 7 or better.',
    `rescue_rate` Nullable(Float64) COMMENT 'rescued / detractors_contacted. NULL where none was contacted.',
    `feedback_debt` Int64 COMMENT 'Responses that had to be followed up by then, and that no case and no message is about.',
    `feedback_debt_revenue` Decimal(38, 4) COMMENT 'Revenue of the accounts that they are of, each once, in the base currency.',
    `acted_upon` Int64 COMMENT 'Responses with a case that was resolved or confirmed.',
    `told` Int64 COMMENT 'Of these, responses that a loop_closure message to the account names within 60 days after the case was first resolved or confirmed, or before.',
    `told_rate` Nullable(Float64) COMMENT 'told / acted_upon. NULL where nothing was acted upon.',
    `ended` Int64 COMMENT 'Of the due cases, those whose newest step is resolved or confirmed.',
    `told_asked` Int64 COMMENT 'Counted responses of the month that answer whether one was told what was done about earlier feedback.',
    `told_yes` Int64 COMMENT 'Those of them that say yes.',
    `lip_service_gap` Nullable(Float64) COMMENT 'ended / due minus told_yes / told_asked: above 0, more is done than customers hear of; below 0, they believe in more than is done. NULL where one of both is missing.'
)
AS WITH
    next_scores AS (
        SELECT account_id, occurred_at, response_id, class, score_mapped,
            leadInFrame((occurred_at, score_mapped), 1) OVER (
                PARTITION BY account_id ORDER BY occurred_at, response_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS next
        FROM responses
        WHERE metric = 'nps' AND NOT synthetic AND NOT withdrawn
    ),
    detractors AS (
        SELECT account_id, response_id,
            next.1 > occurred_at AND next.1 <= occurred_at + INTERVAL 180 DAY AND ifNull(next.2 >= 7, false) AS was_rescued
        FROM next_scores
        WHERE class = 'detractor'
    ),
    messages AS (
        SELECT account_id, arrayJoin(response_ids) AS response_id, min(occurred_at) AS told_at
        FROM fact_communications FINAL
        WHERE purpose = 'loop_closure' AND NOT synthetic
        GROUP BY account_id, response_id
    ),
    of_cases AS (
        SELECT
            one.programme AS programme, one.month AS month, one.account_id AS account, one.response_id AS response,
            one.is_due AS passed, one.in_sla AS kept, one.is_open AS is_open, one.hours AS hours, one.contacted_at IS NOT NULL AS contacted,
            contacted AND detractor.account_id != '' AS is_detractor, contacted AND detractor.was_rescued AS was_rescued,
            one.resolved_at IS NOT NULL AND response IS NOT NULL AS acted,
            acted AND message.account_id != '' AND message.told_at <= one.resolved_at + INTERVAL 60 DAY AS was_told
        FROM follow_up_cases AS one
        GLOBAL LEFT JOIN detractors AS detractor ON one.account_id = detractor.account_id AND one.response_id = detractor.response_id
        GLOBAL LEFT JOIN messages AS message ON one.account_id = message.account_id AND one.response_id = message.response_id
    ),
    of_months AS (
        SELECT
            programme, month, toInt64(count()) AS n, toInt64(countIf(passed)) AS n_due, toInt64(countIf(passed AND kept)) AS n_kept,
            toInt64(countIf(passed AND NOT is_open)) AS n_ended,
            toInt64(uniqExactIf((account, response), is_detractor)) AS n_detractors, toInt64(uniqExactIf((account, response), was_rescued)) AS n_rescued,
            toInt64(uniqExactIf((account, response), acted)) AS n_acted, toInt64(uniqExactIf((account, response), was_told)) AS n_told,
            arraySort(groupArray((hours, NOT contacted))) AS times,
            -- Survival after each time: of those who were still waiting one fewer with each contact.
            arrayCumSum(arrayMap((time, place) -> if(time.2, 0., log((n - place) / (n - place + 1))), times, arrayEnumerate(times))) AS survival,
            arrayFirstIndex(left -> left <= log(0.5) + 1e-9, survival) AS half
        FROM of_cases
        GROUP BY programme, month
    ),
    debts AS (
        SELECT programme, month, toInt64(sum(one.owed)) AS owed, sum(one.revenue) AS revenue
        FROM (SELECT programme, month, account_id, count() AS owed, any(revenue) AS revenue FROM feedback_debts GROUP BY programme, month, account_id) AS one
        GROUP BY programme, month
    ),
    hearing AS (
        SELECT
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme, toStartOfMonth(given.day) AS month,
            toInt64(count()) AS n_asked, toInt64(countIf(given.told_about_action)) AS n_yes
        FROM responses AS given
        GLOBAL LEFT JOIN (SELECT survey_id, programme FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.told_about_action IS NOT NULL
        GROUP BY programme, month
    ),
    parts AS (
        SELECT programme, month, n, n_due, n_kept, if(half = 0, NULL, times[half].1) AS median, n_detractors, n_rescued, toInt64(0) AS owed,
            toDecimal128(0, 4) AS revenue, n_acted, n_told, n_ended, toInt64(0) AS n_asked, toInt64(0) AS n_yes
        FROM of_months
        UNION ALL
        SELECT programme, month, 0, 0, 0, NULL, 0, 0, owed, revenue, 0, 0, 0, 0, 0 FROM debts
        UNION ALL
        SELECT programme, month, 0, 0, 0, NULL, 0, 0, 0, toDecimal128(0, 4), 0, 0, 0, n_asked, n_yes FROM hearing
    )
SELECT
    part.programme AS programme, part.month AS month, sum(part.n) AS cases, sum(part.n_due) AS due, sum(part.n_kept) AS in_sla,
    in_sla / nullIf(due, 0) AS sla_attainment, max(part.median) AS median_hours_to_contact,
    sum(part.n_detractors) AS detractors_contacted, sum(part.n_rescued) AS rescued, rescued / nullIf(detractors_contacted, 0) AS rescue_rate,
    sum(part.owed) AS feedback_debt, sum(part.revenue) AS feedback_debt_revenue,
    sum(part.n_acted) AS acted_upon, sum(part.n_told) AS told, told / nullIf(acted_upon, 0) AS told_rate,
    sum(part.n_ended) AS ended, sum(part.n_asked) AS told_asked, sum(part.n_yes) AS told_yes,
    ended / nullIf(due, 0) - told_yes / nullIf(told_asked, 0) AS lip_service_gap
FROM parts AS part
GROUP BY part.programme, part.month
SETTINGS join_use_nulls = 0
COMMENT 'Follow-up per programme and month. Rates are not summable: add up due and in_sla, detractors_contacted and rescued, and divide again; medians cannot be added at all.';

CREATE OR REPLACE VIEW graded_responses${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response.',
    `day` Date32 COMMENT 'Local date of the response.',
    `unit_id` Nullable(String) COMMENT 'The unit that it rates.',
    `metric` LowCardinality(String) COMMENT 'What the score measures.',
    `surprise` Float64 COMMENT 'Score minus expected score, as a share of the scale.',
    `relative_value` Nullable(Float64) COMMENT 'Score over the mean of the competitors\' scores. NULL without competitors, or where their mean is 0.',
    `grade` LowCardinality(String) COMMENT 'A: better than expected and than competitors; B: one of both; C: as expected; D: worse than expected; F: much worse, or worse than expected and than competitors. The first of A, B, F, D, C that holds.',
    `revenue` Decimal(38, 4) COMMENT 'Gross amount, in the base currency, of the purchase that the response names; 0 where it names none that is known.',
    `is_judged` Bool COMMENT 'The time within which another purchase counts as repurchase has passed, as of the newest transaction.',
    `repurchased` Bool COMMENT 'The account bought again within that time after the response.'
)
AS WITH
    ifNull((SELECT any(value) FROM catalog_settings FINAL WHERE name = 'grades'), '') AS settings,
    if(settings = '', 0.1, JSONExtractFloat(settings, 'delta')) AS delta,
    if(settings = '', 0.05, JSONExtractFloat(settings, 'epsilon')) AS epsilon,
    if(settings = '', 180, JSONExtractInt(settings, 'repurchase_days')) AS within_days,
    (SELECT max(occurred_at) FROM fact_transactions FINAL WHERE NOT synthetic) AS as_of,
    purchases AS (
        SELECT account_id, transaction_id, occurred_at, amount_base
        FROM fact_transactions FINAL
        WHERE event_type = 'transaction.completed' AND NOT synthetic
    ),
    given AS (
        SELECT
            account_id, response_id, day, unit_id, assumeNotNull(metric) AS of_metric, occurred_at, transaction_id,
            (assumeNotNull(score) - assumeNotNull(expected_score)) / assumeNotNull(scale_max - scale_min) AS difference,
            if(empty(competitor_scores), NULL, assumeNotNull(score) / nullIf(arrayAvg(competitor_scores), 0)) AS relation
        FROM responses
        WHERE NOT synthetic AND NOT withdrawn AND expected_score IS NOT NULL AND score IS NOT NULL
    ),
    again AS (
        SELECT given.account_id AS account_id, given.response_id AS response_id, count() AS purchases
        FROM given
        GLOBAL INNER JOIN purchases ON given.account_id = purchases.account_id
        WHERE purchases.occurred_at > given.occurred_at AND purchases.occurred_at <= given.occurred_at + toIntervalDay(within_days)
        GROUP BY given.account_id, given.response_id
    )
SELECT
    given.account_id AS account_id, given.response_id AS response_id, given.day AS day, given.unit_id AS unit_id, given.of_metric AS metric,
    given.difference AS surprise, given.relation AS relative_value,
    -- Scores are decimal numbers: what is equal on paper must be equal here.
    multiIf(
        difference >= delta - 1e-9 AND ifNull(relation > 1 + epsilon + 1e-9, false), 'A',
        difference >= delta - 1e-9 OR ifNull(relation > 1 + epsilon + 1e-9, false), 'B',
        difference <= -2 * delta + 1e-9 OR (difference <= -delta + 1e-9 AND ifNull(relation < 1 - epsilon - 1e-9, false)), 'F',
        difference <= -delta + 1e-9, 'D',
        'C'
    ) AS grade,
    bought.amount_base AS revenue,
    CAST(ifNull(given.occurred_at + toIntervalDay(within_days) <= as_of, false), 'Bool') AS is_judged,
    CAST(again.purchases > 0, 'Bool') AS repurchased
FROM given
GLOBAL LEFT JOIN purchases AS bought ON given.account_id = bought.account_id AND given.transaction_id = bought.transaction_id
GLOBAL LEFT JOIN again ON given.account_id = again.account_id AND given.response_id = again.response_id
SETTINGS join_use_nulls = 0
COMMENT 'Counted responses that say what was expected, graded.';

CREATE OR REPLACE VIEW grades${on_cluster}
(
    `grade` LowCardinality(String) COMMENT 'A (best) to F.',
    `n` Int64 COMMENT 'Counted responses with this grade.',
    `share` Float64 COMMENT 'n over all graded responses.',
    `revenue` Decimal(38, 4) COMMENT 'Gross amount, in the base currency, of the purchases that they name.',
    `judged` Int64 COMMENT 'Those of them that are old enough to tell whether the customer bought again.',
    `repurchased` Int64 COMMENT 'Those of the judged whose customer bought again in time.',
    `repurchase_rate` Nullable(Float64) COMMENT 'repurchased / judged. NULL where none is old enough.'
)
AS SELECT
    one.grade AS grade, toInt64(count()) AS n, n / sum(n) OVER () AS share, sum(one.revenue) AS revenue,
    toInt64(countIf(one.is_judged)) AS judged, toInt64(countIf(one.is_judged AND one.repurchased)) AS repurchased,
    repurchased / nullIf(judged, 0) AS repurchase_rate
FROM graded_responses AS one
GROUP BY one.grade
COMMENT 'How customers grade what they got, against what they expected and what competitors give, and whether they buy again.';
