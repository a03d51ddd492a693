-- What became of customers who had to be followed up, what people were worth who got what they expected, and who was heard at all.

CREATE OR REPLACE VIEW follow_up_cases${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `case_id` String COMMENT 'The case.',
    `response_id` Nullable(String) COMMENT 'The response that it follows up, as its earliest step says that names one.',
    `programme` String COMMENT 'Programme of the response\'s survey in the catalog; else the survey itself; none: the case names no response that is known.',
    `trigger` String COMMENT 'What started it, as its earliest opening says, else its first step; empty: not said.',
    `opened_at` DateTime64(6, 'UTC') COMMENT 'Time of its earliest opening, else of its first step (UTC).',
    `due_at` DateTime64(6, 'UTC') COMMENT 'When contact is due (UTC): as its earliest opening says; else opened_at plus the hours of the policy for its trigger (48 without one), counted in the hours of the policy\'s business calendar where it has one; 2299-12-31 where no hour of it counts.',
    `month` Date32 COMMENT 'First day of the local month of due_at.',
    `contacted_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the customer was first contacted (UTC); NULL: not yet. Escalation or resolution is no contact.',
    `resolved_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was first resolved or confirmed (UTC); NULL: not yet.',
    `ended_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'Time of its newest step where that is resolved or confirmed (UTC); NULL: the case is open.',
    `is_open` Bool COMMENT 'Its newest step is neither resolved nor confirmed.',
    `is_due` Bool COMMENT 'due_at has passed, as of the newest step of any case.',
    `in_sla` Bool COMMENT 'The customer was contacted until due_at.',
    `hours` Float64 COMMENT 'Hours from opened_at to the contact, 0 where that came before; without contact to where the case was last seen: its end, or the newest step of any case while it is open.',
    `response_counts` Bool COMMENT 'The response is known, and neither withdrawn nor test traffic. The case counts all the same.'
)
AS WITH
    ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone,
    (SELECT max(occurred_at) FROM fact_cases FINAL WHERE NOT synthetic) AS as_of,
    -- Microseconds since 1970 at a local time. Where clocks are put forward over it, the offset before counts (RFC 5545), and not a time of the day before.
    (date, clock) -> toUnixTimestamp64Micro(toDateTime64(concat(toString(date), ' ', clock, ':00'), 6, 'UTC'))
        - 1000000 * timezoneOffset(toDateTime64(concat(toString(date), ' ', clock, ':00'), 6, zone)) AS instant_of,
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
            arrayMap(holiday -> toDate32OrZero(holiday), JSONExtract(calendar, 'holidays', 'Array(String)')) AS holidays,
            JSONExtractString(calendar, 'opens') AS opens_at, JSONExtractString(calendar, 'closes') AS closes_at
        FROM known
        GLOBAL LEFT JOIN policies ON known.start.1 = policies.trigger
    ),
    timed AS (
        SELECT
            *,
            toInt64(round(hours * 3600000000)) AS allowed,
            toDate32(toTimezone(opened, zone)) AS first_day,
            toInt64(dateDiff('minute', parseDateTimeBestEffort(concat('2000-01-01 ', if(calendar = '', '00:00', opens_at))),
                parseDateTimeBestEffort(concat('2000-01-01 ', if(calendar = '', '00:01', closes_at))))) * 60000000 AS a_day,
            -- Days that are surely enough: a week for each day of hours, and one more for each holiday on a working day.
            if(calendar = '' OR empty(weekdays), 0, intDiv(allowed, a_day) * 7 + 16) AS weeks,
            weeks + 7 * arrayCount(day -> has(weekdays, toDayOfWeek(day)) AND day >= first_day AND day < first_day + 8 * weeks, holidays) AS span,
            -- Microseconds that count on each day from the opening on, and their sums.
            arrayMap(number -> first_day + number, range(toUInt32(span))) AS days,
            arrayMap(day -> instant_of(day, if(opens_at = '', '00:00', opens_at)), days) AS opening,
            arrayMap(day -> instant_of(day, if(closes_at = '', '00:00', closes_at)), days) AS closing,
            -- A date that a zone left out, when it changed sides of the date line, has no hours.
            arrayMap(
                (day, opened_then, closed_then) -> if(
                    has(weekdays, toDayOfWeek(day)) AND NOT has(holidays, day)
                        AND toDate32(toTimezone(fromUnixTimestamp64Micro(opened_then, 'UTC'), zone)) = day,
                    greatest(closed_then - greatest(opened_then, toUnixTimestamp64Micro(opened)), 0), 0
                ), days, opening, closing
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
                last = 0, toDateTime64('2299-12-31 00:00:00', 6, 'UTC'),
                fromUnixTimestamp64Micro(closing[last] - (counted[last] - allowed), 'UTC')
            ) AS due_at
        FROM timed
    ),
    named AS (
        SELECT account_id, response_id, any(survey_id) AS survey_id, any(NOT synthetic AND NOT withdrawn) AS was_given
        FROM fact_responses FINAL
        GROUP BY account_id, response_id
    )
SELECT
    due.account_id AS account_id, due.case_id AS case_id, due.response AS response_id,
    multiIf(named.survey_id = '', 'none', ifNull(survey.programme, '') = '', named.survey_id, assumeNotNull(survey.programme)) AS programme,
    due.trigger AS trigger, due.opened AS opened_at, assumeNotNull(due.due_at) AS due_at,
    toDate32(toTimezone(assumeNotNull(due.due_at), zone)) - (toDayOfMonth(toTimezone(assumeNotNull(due.due_at), zone)) - 1) AS month,
    due.contacted AS contacted_at, due.resolved AS resolved_at,
    if(due.last_step.1, due.last_step.2, NULL) AS ended_at, CAST(NOT due.last_step.1, 'Bool') AS is_open,
    CAST(ifNull(due.due_at <= as_of, false), 'Bool') AS is_due,
    CAST(ifNull(due.contacted <= due.due_at, false), 'Bool') AS in_sla,
    dateDiff('microsecond', due.opened, greatest(ifNull(due.contacted, if(due.last_step.1, due.last_step.2, assumeNotNull(as_of))), due.opened)) / 3600000000 AS hours,
    CAST(named.was_given AND (due.account_id, ifNull(due.response, '')) GLOBAL NOT IN (
        SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic
    ), 'Bool') AS response_counts
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
    -- Withdrawn ones tell the time too: which of them are marked in the fact depends on the order of arrival.
    (SELECT max(occurred_at) FROM fact_responses FINAL WHERE NOT synthetic) AS as_of,
    owing AS (
        SELECT
            given.account_id AS account_id, given.response_id AS response_id, given.unit_id AS unit_id, given.occurred_at AS occurred_at,
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme,
            addMicroseconds(given.occurred_at, toInt64(round(if(survey.survey_id = '', 48, survey.action_rule.2) * 3600000000))) AS due_at
        FROM fact_responses AS given FINAL
        GLOBAL LEFT JOIN (SELECT survey_id, programme, action_rule FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.class IS NOT NULL
            AND (given.account_id, given.response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
            AND has(if(survey.survey_id = '', ['detractor'], survey.action_rule.1), toString(given.class))
    )
SELECT
    owing.account_id AS account_id, owing.response_id AS response_id, owing.programme AS programme, owing.unit_id AS unit_id,
    owing.occurred_at AS occurred_at, owing.due_at AS due_at,
    toDate32(toTimezone(owing.due_at, zone)) - (toDayOfMonth(toTimezone(owing.due_at, zone)) - 1) AS month,
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
COMMENT 'Responses that the rule of their survey wanted to be followed up, whose time has passed, and that no case and no message is about; as of the newest response, withdrawn ones included.';

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
    `rescued` Int64 COMMENT 'Of these, responses after which the next counted nps response of the account came within 180 days and was 7 or better; of two at one time the greater response_id is the later.',
    `rescue_rate` Nullable(Float64) COMMENT 'rescued / detractors_contacted. NULL where none was contacted.',
    `feedback_debt` Int64 COMMENT 'Responses that had to be followed up by then, and that no case and no message is about.',
    `feedback_debt_revenue` Decimal(38, 4) COMMENT 'Revenue of the accounts that they are of, each once, in the base currency.',
    `acted_upon` Int64 COMMENT 'Counted responses with a case whose newest step is resolved or confirmed.',
    `told` Int64 COMMENT 'Of these, responses that a loop_closure message to the account names within 60 days after the case was first resolved or confirmed, or before.',
    `told_rate` Nullable(Float64) COMMENT 'told / acted_upon. NULL where nothing was acted upon.',
    `median_hours_to_tell` Nullable(Float64) COMMENT 'Hours after the first resolution or confirmation within which half of the customers acted for were told by a loop_closure message that names their response: Kaplan-Meier, who was not told censored at the newest message to anybody; 0 where they were told before. NULL where fewer than half were.',
    `ended` Int64 COMMENT 'Of the due cases, those whose newest step is resolved or confirmed.',
    `told_asked` Int64 COMMENT 'Counted responses of the month that answer whether one was told what was done about earlier feedback.',
    `told_yes` Int64 COMMENT 'Those of them that say yes.',
    `lip_service_gap` Nullable(Float64) COMMENT 'ended / due minus told_yes / told_asked: above 0, more is done than customers hear of; below 0, they believe in more than is done. NULL where one of both is missing.',
    `lip_service_gap_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval, from Wilson\'s of both shares (Newcombe\'s method 10). NULL where lip_service_gap is.',
    `lip_service_gap_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, from Wilson\'s of both shares (Newcombe\'s method 10). NULL where lip_service_gap is.'
)
AS WITH
    -- Kaplan-Meier's median of (hours, censored), sorted; of those who were still waiting one fewer with each event. 0: it never comes to one half.
    times -> arrayFirstIndex(
        left -> left <= log(0.5) + 1e-9,
        arrayCumSum(arrayMap((time, place) -> if(time.2, 0., log((length(times) - place) / (length(times) - place + 1))), times, arrayEnumerate(times)))
    ) AS half_of,
    -- Wilson's interval of a share: squares of z, their half and quarter written out.
    (good, n) -> (good + 1.920729440648) / (n + 3.841458881296) AS middle,
    (good, n) -> 1.959964 * sqrt(good * (n - good) / n + 0.960364720324) / (n + 3.841458881296) AS reach,
    (SELECT max(occurred_at) FROM fact_communications FINAL WHERE NOT synthetic) AS last_message,
    next_scores AS (
        SELECT account_id, occurred_at, response_id, class, score_mapped,
            leadInFrame((occurred_at, score_mapped), 1) OVER (
                PARTITION BY account_id ORDER BY occurred_at, response_id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
            ) AS next
        FROM fact_responses FINAL
        WHERE metric = 'nps' AND NOT synthetic AND NOT withdrawn
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    detractors AS (
        SELECT account_id, response_id,
            next.1 >= occurred_at AND next.1 <= occurred_at + INTERVAL 180 DAY AND ifNull(next.2 >= 7, false) AS was_rescued
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
            NOT one.is_open AND one.response_counts AS acted,
            acted AND message.account_id != '' AND message.told_at <= one.resolved_at + INTERVAL 60 DAY AS was_told,
            message.account_id = '' AS never_told,
            min(if(acted, one.resolved_at, NULL)) OVER (PARTITION BY one.account_id, one.response_id) AS first_resolved,
            greatest(dateDiff('microsecond', assumeNotNull(first_resolved), if(never_told, assumeNotNull(last_message), message.told_at)), 0) / 3600000000 AS hours_untold
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
            arraySort(groupArray((hours, NOT contacted))) AS waits, half_of(waits) AS half,
            -- Several cases may be about one response.
            arraySort(arrayMap(one -> (one.2, one.3), groupUniqArrayIf(((account, response), hours_untold, never_told), acted))) AS silences,
            half_of(silences) AS half_told
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
            if(ifNull(survey.programme, '') = '', given.survey_id, assumeNotNull(survey.programme)) AS programme, given.day - (toDayOfMonth(given.day) - 1) AS month,
            toInt64(count()) AS n_asked, toInt64(countIf(given.told_about_action)) AS n_yes
        FROM fact_responses AS given FINAL
        GLOBAL LEFT JOIN (SELECT survey_id, programme FROM surveys FINAL) AS survey ON given.survey_id = survey.survey_id
        WHERE NOT given.synthetic AND NOT given.withdrawn AND given.told_about_action IS NOT NULL
            AND (given.account_id, given.response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY programme, month
    ),
    parts AS (
        SELECT programme, month, n, n_due, n_kept, if(half = 0, NULL, waits[half].1) AS median, n_detractors, n_rescued, toInt64(0) AS owed,
            toDecimal128(0, 4) AS revenue, n_acted, n_told, if(half_told = 0, NULL, silences[half_told].1) AS median_told,
            n_ended, toInt64(0) AS n_asked, toInt64(0) AS n_yes
        FROM of_months
        UNION ALL
        SELECT programme, month, 0, 0, 0, NULL, 0, 0, owed, revenue, 0, 0, NULL, 0, 0, 0 FROM debts
        UNION ALL
        SELECT programme, month, 0, 0, 0, NULL, 0, 0, 0, toDecimal128(0, 4), 0, 0, NULL, 0, n_asked, n_yes FROM hearing
    )
SELECT
    part.programme AS programme, part.month AS month, sum(part.n) AS cases, sum(part.n_due) AS due, sum(part.n_kept) AS in_sla,
    in_sla / nullIf(due, 0) AS sla_attainment, max(part.median) AS median_hours_to_contact,
    sum(part.n_detractors) AS detractors_contacted, sum(part.n_rescued) AS rescued, rescued / nullIf(detractors_contacted, 0) AS rescue_rate,
    sum(part.owed) AS feedback_debt, sum(part.revenue) AS feedback_debt_revenue,
    sum(part.n_acted) AS acted_upon, sum(part.n_told) AS told, told / nullIf(acted_upon, 0) AS told_rate,
    max(part.median_told) AS median_hours_to_tell,
    sum(part.n_ended) AS ended, sum(part.n_asked) AS told_asked, sum(part.n_yes) AS told_yes,
    ended / nullIf(due, 0) - told_yes / nullIf(told_asked, 0) AS lip_service_gap,
    lip_service_gap - sqrt(
        pow(ended / due - middle(ended, due) + reach(ended, due), 2) + pow(middle(told_yes, told_asked) + reach(told_yes, told_asked) - told_yes / told_asked, 2)
    ) AS lip_service_gap_low,
    lip_service_gap + sqrt(
        pow(middle(ended, due) + reach(ended, due) - ended / due, 2) + pow(told_yes / told_asked - middle(told_yes, told_asked) + reach(told_yes, told_asked), 2)
    ) AS lip_service_gap_high
FROM parts AS part
GROUP BY part.programme, part.month
SETTINGS join_use_nulls = 0
COMMENT 'Follow-up per programme and month. Rates are not summable: add up due and in_sla, detractors_contacted and rescued, and divide again; medians cannot be added at all. A response with cases due in several months is in each of these.';

CREATE OR REPLACE VIEW follow_up_plans${on_cluster}
(
    `programme` String COMMENT 'Programme in the catalog, else the survey.',
    `surveys` Int64 COMMENT 'Its surveys: those of the catalog, and those that were answered.',
    `surveys_without_plan` Int64 COMMENT 'Surveys that the catalog does not know, or of which it names no owner, or whose rule selects no class; a catalog that names no rule has detractors followed up within 48 hours. Rules select classes, which nps answers alone have.',
    `has_plan` Bool COMMENT 'All its surveys have an owner and a rule; of answers of other metrics than nps no rule ever asks for anything. The average over programmes is the coverage of plans.',
    `owners` Array(String) COMMENT 'Who answers for it.',
    `responses` Int64 COMMENT 'Counted responses of any metric.',
    `responses_without_plan` Int64 COMMENT 'Those of them to surveys without a plan: customers whose time was asked for, and nobody is bound to act.'
)
AS WITH
    answered AS (
        SELECT survey_id, toInt64(count()) AS many
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY survey_id
    ),
    planned AS (
        SELECT survey_id, ifNull(programme, '') AS of_programme, ifNull(owner, '') AS of_owner, notEmpty(of_owner) AND notEmpty(action_rule.1) AS is_planned
        FROM surveys FINAL
    )
SELECT
    if(planned.of_programme = '', survey, planned.of_programme) AS programme,
    toInt64(count()) AS surveys, toInt64(countIf(NOT planned.is_planned)) AS surveys_without_plan,
    CAST(surveys_without_plan = 0, 'Bool') AS has_plan, arraySort(groupUniqArrayIf(planned.of_owner, planned.of_owner != '')) AS owners,
    sum(one.many) AS responses, sumIf(one.many, NOT planned.is_planned) AS responses_without_plan
FROM (
    SELECT survey, sum(many) AS many
    FROM (SELECT survey_id AS survey, many FROM answered UNION ALL SELECT survey_id, 0 FROM planned)
    GROUP BY survey
) AS one
GLOBAL LEFT JOIN planned ON one.survey = planned.survey_id
GROUP BY programme
SETTINGS join_use_nulls = 0
COMMENT 'Programmes, and whether somebody is bound to act on what customers say.';

CREATE OR REPLACE VIEW recovered_detractors${on_cluster}
(
    `account_id` String COMMENT 'The account, by its earliest counted nps response that is a detractor\'s.',
    `response_id` String COMMENT 'That response.',
    `programme` String COMMENT 'Programme of its survey in the catalog, else the survey.',
    `answered_at` DateTime64(6, 'UTC') COMMENT 'When it was given (UTC); at least 194 days before the newest transaction, so that what follows is known.',
    `contacted` Bool COMMENT 'A case about it reached the customer until 14 days after. Who was reached later counts as not reached, since whoever stays longer can be reached later.',
    `score_band` LowCardinality(String) COMMENT '0-3: mapped score up to 3; 4-6: above 3.',
    `revenue_before` Decimal(38, 4) COMMENT 'Completed minus refunded in the 180 days before the response, in the base currency.',
    `revenue_band` UInt8 COMMENT '0: nothing bought before; 1 to 4: quarter of its programme\'s detractors by revenue_before.',
    `retained_revenue` Decimal(38, 4) COMMENT 'Completed minus refunded in the 180 days from 14 days after the response on, in the base currency.',
    `retained` Bool COMMENT 'Something was bought in these days.'
)
AS WITH
    (SELECT max(occurred_at) FROM fact_transactions FINAL WHERE NOT synthetic) AS as_of,
    detractors AS (
        SELECT
            account_id, argMin((response_id, survey_id, assumeNotNull(score_mapped)), (occurred_at, response_id)) AS first, min(occurred_at) AS given_at,
            given_at + INTERVAL 14 DAY AS until, given_at + INTERVAL 194 DAY AS ends
        FROM fact_responses FINAL
        WHERE class = 'detractor' AND NOT synthetic AND NOT withdrawn
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY account_id
        HAVING ifNull(ends <= as_of, false)
    ),
    reached AS (
        SELECT account_id, assumeNotNull(response_id) AS about, assumeNotNull(min(contacted_at)) AS reached_at
        FROM follow_up_cases
        WHERE response_id IS NOT NULL AND contacted_at IS NOT NULL
        GROUP BY account_id, about
    ),
    movements AS (
        SELECT
            account_id, occurred_at, event_type = 'transaction.completed' AS is_purchase,
            toDecimal128(if(is_purchase, amount_base, -amount_base), 4) AS amount
        FROM fact_transactions FINAL
        WHERE NOT synthetic
    ),
    lives AS (
        SELECT
            one.account_id AS account, any(one.first) AS first, any(one.given_at) AS given_at, any(one.until) AS until,
            sumIf(moved.amount, moved.occurred_at >= one.given_at - INTERVAL 180 DAY AND moved.occurred_at < one.given_at) AS before,
            countIf(moved.is_purchase AND moved.occurred_at >= one.given_at - INTERVAL 180 DAY AND moved.occurred_at < one.given_at) > 0 AS bought_before,
            sumIf(moved.amount, moved.occurred_at > one.until AND moved.occurred_at <= one.ends) AS after,
            countIf(moved.is_purchase AND moved.occurred_at > one.until AND moved.occurred_at <= one.ends) > 0 AS bought_after
        -- Movements are many, detractors few: the few are looked up. Who never bought keeps a row of zeros.
        FROM movements AS moved
        GLOBAL RIGHT JOIN detractors AS one ON one.account_id = moved.account_id
        GROUP BY account
    ),
    placed AS (
        SELECT
            lives.*, if(ifNull(survey.programme, '') = '', lives.first.2, assumeNotNull(survey.programme)) AS of_programme,
            contact.account_id != '' AND contact.reached_at <= lives.until AS was_reached
        FROM lives
        GLOBAL LEFT JOIN reached AS contact ON lives.account = contact.account_id AND lives.first.1 = contact.about
        GLOBAL LEFT JOIN (SELECT survey_id, programme FROM surveys FINAL) AS survey ON lives.first.2 = survey.survey_id
    ),
    banded AS (
        SELECT *, quantilesExactIf(0.25, 0.5, 0.75)(toFloat64(before), bought_before) OVER (PARTITION BY of_programme) AS cuts
        FROM placed
    )
SELECT
    account AS account_id, first.1 AS response_id, of_programme AS programme, given_at AS answered_at, CAST(was_reached, 'Bool') AS contacted,
    if(first.3 <= 3, '0-3', '4-6') AS score_band, before AS revenue_before,
    toUInt8(if(bought_before, 1 + arrayCount(cut -> toFloat64(before) > cut, cuts), 0)) AS revenue_band,
    after AS retained_revenue, CAST(bought_after, 'Bool') AS retained
FROM banded
SETTINGS join_use_nulls = 0
COMMENT 'Detractors whose next half year is known, whether they were contacted in time, and what they bought before and after: what retained_revenue compares.';

CREATE OR REPLACE VIEW retained_revenue${on_cluster}
(
    `programme` String COMMENT 'Programme of the survey in the catalog, else the survey.',
    `contacted` Int64 COMMENT 'Detractors who were contacted within 14 days and have comparable ones who were not: accounts.',
    `not_contacted` Int64 COMMENT 'The comparable ones: of the same programme, score band (0-3, 4-6) and band of revenue in the 180 days before. Bands count where each group has at least two.',
    `left_out` Int64 COMMENT 'Detractors without at least two contacted and two others in their bands.',
    `revenue_contacted` Nullable(Float64) COMMENT 'Revenue retained from a contacted account: its mean over the 180 days from 14 days after the response on, in the base currency.',
    `revenue_comparable` Nullable(Float64) COMMENT 'The same of the comparable accounts, each pair of bands weighted as it is among the contacted.',
    `revenue_lift` Nullable(Float64) COMMENT 'revenue_contacted - revenue_comparable: per account. Not an experiment: whom the company chose to contact may differ in what the bands do not show.',
    `revenue_lift_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval: normal, variances of both groups within bands.',
    `revenue_lift_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval.',
    `retention_contacted` Nullable(Float64) COMMENT 'Share of the contacted that bought anything in these days.',
    `retention_comparable` Nullable(Float64) COMMENT 'The same of the comparable ones, weighted alike.',
    `retention_lift` Nullable(Float64) COMMENT 'retention_contacted - retention_comparable.',
    `retention_lift_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval.',
    `retention_lift_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval.'
)
AS WITH
    bands AS (
        SELECT
            programme AS of_programme, score_band, revenue_band,
            toFloat64(countIf(contacted)) AS n_contacted, toFloat64(countIf(NOT contacted)) AS n_other, n_contacted >= 2 AND n_other >= 2 AS matched,
            avgIf(toFloat64(retained_revenue), contacted) AS kept_contacted, avgIf(toFloat64(retained_revenue), NOT contacted) AS kept_other,
            varSampIf(toFloat64(retained_revenue), contacted) / n_contacted + varSampIf(toFloat64(retained_revenue), NOT contacted) / n_other AS variance_kept,
            avgIf(retained, contacted) AS stayed_contacted, avgIf(retained, NOT contacted) AS stayed_other,
            varSampIf(toFloat64(retained), contacted) / n_contacted + varSampIf(toFloat64(retained), NOT contacted) / n_other AS variance_stayed
        FROM recovered_detractors
        GROUP BY of_programme, score_band, revenue_band
    )
SELECT
    of_programme AS programme, toInt64(sumIf(n_contacted, matched)) AS contacted, toInt64(sumIf(n_other, matched)) AS not_contacted,
    toInt64(sumIf(n_contacted + n_other, NOT matched)) AS left_out,
    sumIf(n_contacted * kept_contacted, matched) / nullIf(contacted, 0) AS revenue_contacted,
    sumIf(n_contacted * kept_other, matched) / nullIf(contacted, 0) AS revenue_comparable,
    revenue_contacted - revenue_comparable AS revenue_lift,
    revenue_lift - 1.959964 * sqrt(sumIf(pow(n_contacted, 2) * variance_kept, matched)) / nullIf(contacted, 0) AS revenue_lift_low,
    revenue_lift + 1.959964 * sqrt(sumIf(pow(n_contacted, 2) * variance_kept, matched)) / nullIf(contacted, 0) AS revenue_lift_high,
    sumIf(n_contacted * stayed_contacted, matched) / nullIf(contacted, 0) AS retention_contacted,
    sumIf(n_contacted * stayed_other, matched) / nullIf(contacted, 0) AS retention_comparable,
    retention_contacted - retention_comparable AS retention_lift,
    retention_lift - 1.959964 * sqrt(sumIf(pow(n_contacted, 2) * variance_stayed, matched)) / nullIf(contacted, 0) AS retention_lift_low,
    retention_lift + 1.959964 * sqrt(sumIf(pow(n_contacted, 2) * variance_stayed, matched)) / nullIf(contacted, 0) AS retention_lift_high
FROM bands
GROUP BY of_programme
COMMENT 'What contact is worth: revenue of detractors who were contacted against comparable ones who were not.';

CREATE OR REPLACE VIEW graded_responses${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response.',
    `day` Date32 COMMENT 'Local date of the response.',
    `unit_id` Nullable(String) COMMENT 'The unit that it rates.',
    `metric` LowCardinality(String) COMMENT 'What the score measures.',
    `surprise` Float64 COMMENT 'Score minus expected score, as a share of the scale.',
    `relative_value` Nullable(Float64) COMMENT 'Score over the mean of the competitors\' scores, both mapped to the metric\'s default scale. NULL without competitors, or where their mean is 0.',
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
            -- On the metric's default scale, so that equal answers on other scales get equal grades.
            if(metric = 'nps', 0, 1) AS lowest, transform(toString(of_metric), ['nps', 'ces'], [10, 7], 5) AS highest,
            (highest - lowest) / assumeNotNull(scale_max - scale_min) AS step,
            lowest + step * (assumeNotNull(score) - assumeNotNull(scale_min)) AS ours,
            lowest + step * (arrayAvg(competitor_scores) - assumeNotNull(scale_min)) AS theirs,
            if(notEmpty(competitor_scores) AND theirs > 1e-9, ours / theirs, NULL) AS relation
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND expected_score IS NOT NULL AND score IS NOT NULL
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    -- Of all purchases those alone are gathered that matter: of each account with a graded response when it bought, and what responses name.
    later AS (
        SELECT account_id, occurred_at
        FROM purchases
        WHERE account_id GLOBAL IN (SELECT account_id FROM given)
    ),
    named AS (
        SELECT account_id, transaction_id, amount_base
        FROM purchases
        WHERE sipHash128(account_id, transaction_id) GLOBAL IN (SELECT sipHash128(account_id, assumeNotNull(transaction_id)) FROM given WHERE transaction_id IS NOT NULL)
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
    CAST(next.account_id != '' AND next.occurred_at <= given.occurred_at + toIntervalDay(within_days), 'Bool') AS repurchased
FROM given
GLOBAL LEFT JOIN named AS bought ON given.account_id = bought.account_id AND given.transaction_id = bought.transaction_id
GLOBAL ASOF LEFT JOIN later AS next ON given.account_id = next.account_id AND given.occurred_at < next.occurred_at
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

CREATE OR REPLACE VIEW survey_chances${on_cluster}
(
    `account_id` String COMMENT 'The account that could be asked.',
    `invitation_id` String COMMENT 'The chance to ask: an invitation of which the transaction system said that it is eligible.',
    `transaction_id` Nullable(String) COMMENT 'The transaction that it is about, as its earliest eligible event says.',
    `unit_id` String COMMENT 'Unit, as its earliest eligible event says; empty: none.',
    `channel` LowCardinality(String) COMMENT 'Channel of the invitation, as its earliest eligible event says.',
    `peer_group` String COMMENT 'Peer group of the unit in the catalog; empty: none.',
    `is_new` Bool COMMENT 'The customer is new, not returning: the purchase says so; where it says nothing, it is the first completed purchase of the account, or the account had made at most one until it became eligible.',
    `eligible_at` DateTime64(6, 'UTC') COMMENT 'When it became eligible (UTC).',
    `day` Date32 COMMENT 'Local date of eligible_at.',
    `was_sampled` Bool COMMENT 'Something was done with it: it was sampled, suppressed, sent or more. Else it was left out by the draw.',
    `was_sent` Bool COMMENT 'An invitation was sent.',
    `bounced` Bool COMMENT 'It bounced at least once.',
    `disposition` LowCardinality(String) COMMENT 'Of AAPOR: complete (answered by a counted response of the account), refusal (opted out, or opened without an answer), noncontact (sent, but bounced or not known to be opened), other (sampled, then suppressed or never sent); not_sampled: not in the sample.',
    `answered` Bool COMMENT 'A counted response of the same account, of any metric, names it.',
    `nps_responses` Int64 COMMENT 'Counted nps responses that name it.',
    `promoters` Int64 COMMENT 'Promoters among them.',
    `detractors` Int64 COMMENT 'Detractors among them.'
)
AS WITH
    -- Steps of the chances and answers to them, grouped once: that is cheaper than to join them. A key has one time a kind of step, so the earliest is one row.
    steps AS (
        SELECT
            account_id, invitation_id, occurred_at, ifNull(transaction_id, '') AS named, ifNull(unit_id, '') AS unit, channel, day,
            event_type = 'invitation.eligible' AS is_eligible,
            multiIf(
                is_eligible, 1, event_type = 'invitation.sent', 2, event_type = 'invitation.bounced', 4, event_type = 'invitation.opened', 8,
                event_type = 'invitation.suppressed' AND ifNull(suppression_reason = 'opt_out', false), 16, 32
            ) AS kind,
            '' AS of_metric, '' AS of_class
        FROM fact_invitations FINAL
        WHERE NOT synthetic
        UNION ALL
        SELECT
            account_id, assumeNotNull(invitation_id), toDateTime64(0, 6, 'UTC'), '', '', '', toDate32(0), 0, 64,
            ifNull(toString(metric), ''), ifNull(toString(class), '')
        FROM fact_responses FINAL
        WHERE invitation_id IS NOT NULL AND NOT withdrawn AND NOT synthetic
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    chances AS (
        SELECT
            account_id, invitation_id,
            -- No id is empty, and argMin would pass over NULL.
            argMinIf(named, occurred_at, is_eligible) AS about,
            argMinIf(unit, occurred_at, is_eligible) AS of_unit, argMinIf(channel, occurred_at, is_eligible) AS of_channel,
            argMinIf(day, occurred_at, is_eligible) AS of_day, minIf(occurred_at, is_eligible) AS eligible_at,
            groupBitOr(toUInt8(kind)) AS kinds,
            bitAnd(kinds, 62) > 0 AS was_sampled, bitTest(kinds, 1) AS was_sent, bitTest(kinds, 2) AS bounced,
            bitAnd(kinds, 24) > 0 AS refused, bitTest(kinds, 6) AS answered,
            toInt64(countIf(of_metric = 'nps')) AS nps_responses,
            toInt64(countIf(of_class = 'promoter')) AS promoters, toInt64(countIf(of_class = 'detractor')) AS detractors
        FROM steps
        GROUP BY account_id, invitation_id
        HAVING bitTest(kinds, 0)
    ),
    purchases AS (
        SELECT account_id, transaction_id, occurred_at, is_new_customer
        FROM fact_transactions FINAL
        WHERE event_type = 'transaction.completed' AND NOT synthetic
    ),
    -- The first two purchases of an account tell who is new, where none says it. Time and name in one string sort as both would, and faster.
    histories AS (
        SELECT
            account_id, substring(earliest[1], 9) AS first_purchase,
            if(length(earliest) < 2, 9223372036854775807, toInt64(reinterpretAsUInt64(reverse(substring(earliest[2], 1, 8)))) - 4000000000000000) AS second_at
        FROM (
            SELECT
                account_id,
                groupArraySorted(2)(
                    concat(reverse(reinterpretAsFixedString(toUInt64(toUnixTimestamp64Micro(occurred_at) + 4000000000000000))), transaction_id)
                ) AS earliest
            FROM purchases
            GROUP BY account_id
        )
    )
SELECT
    chances.account_id AS account_id, chances.invitation_id AS invitation_id, nullIf(chances.about, '') AS transaction_id,
    chances.of_unit AS unit_id, chances.of_channel AS channel, ifNull(unit.peer_group, '') AS peer_group,
    -- Hashes of 128 bits are quicker to look up than two names, and as good. Both look-ups are in the same set, which is made once.
    CAST(multiIf(
        sipHash128(chances.account_id, chances.about, true) GLOBAL IN (
            SELECT sipHash128(account_id, transaction_id, assumeNotNull(is_new_customer)) FROM purchases WHERE is_new_customer IS NOT NULL
        ), true,
        sipHash128(chances.account_id, chances.about, false) GLOBAL IN (
            SELECT sipHash128(account_id, transaction_id, assumeNotNull(is_new_customer)) FROM purchases WHERE is_new_customer IS NOT NULL
        ), false,
        history.account_id = '' OR history.first_purchase = chances.about OR history.second_at > toUnixTimestamp64Micro(chances.eligible_at)
    ), 'Bool') AS is_new,
    chances.eligible_at AS eligible_at, chances.of_day AS day,
    CAST(chances.was_sampled, 'Bool') AS was_sampled, CAST(chances.was_sent, 'Bool') AS was_sent, CAST(chances.bounced, 'Bool') AS bounced,
    multiIf(
        chances.answered, 'complete',
        NOT chances.was_sampled, 'not_sampled',
        chances.refused, 'refusal',
        chances.was_sent, 'noncontact',
        'other'
    ) AS disposition,
    CAST(chances.answered, 'Bool') AS answered,
    chances.nps_responses AS nps_responses, chances.promoters AS promoters, chances.detractors AS detractors
FROM chances
GLOBAL LEFT JOIN histories AS history ON chances.account_id = history.account_id
GLOBAL LEFT JOIN (SELECT unit_id, peer_group FROM units FINAL) AS unit ON chances.of_unit = unit.unit_id
-- Rows of one key have one time and so one day, and are never in two partitions.
SETTINGS join_use_nulls = 0, do_not_merge_across_partitions_select_final = 1
COMMENT 'Every purchase after which the customer could have been asked, and what became of the chance.';

CREATE OR REPLACE VIEW response_strata${on_cluster}
(
    `period` String COMMENT 'all: over all days. 28 days: chances that became eligible in the window that starts at window_start. Choose one of the two, or every chance counts twice.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window. NULL where period is all.',
    `unit_id` String COMMENT 'Unit of the chances.',
    `peer_group` String COMMENT 'Peer group of the unit in the catalog; empty: none.',
    `channel` LowCardinality(String) COMMENT 'Channel of the invitations.',
    `is_new` Bool COMMENT 'Whether the customers are new or returning.',
    `eligible` Int64 COMMENT 'Chances to ask: the population.',
    `sampled` Int64 COMMENT 'Of these, the sample: completes, refusals, noncontacts and others.',
    `deliverable` Int64 COMMENT 'Invitations of eligible chances that were sent and did not bounce.',
    `completes` Int64 COMMENT 'I of AAPOR: answered by a counted response.',
    `refusals` Int64 COMMENT 'R of AAPOR: opted out, or opened without an answer.',
    `noncontacts` Int64 COMMENT 'NC of AAPOR: sent, but bounced or not known to be opened.',
    `others` Int64 COMMENT 'O of AAPOR: sampled, then suppressed or never sent.',
    `nps_responses` Int64 COMMENT 'Counted nps responses to these chances.',
    `promoters` Int64 COMMENT 'Promoters among them.',
    `detractors` Int64 COMMENT 'Detractors among them.',
    `rr1` Nullable(Float64) COMMENT 'Response rate 1 of AAPOR: I / (I + P + R + NC + O + UH + UO), completes / sampled. P is 0, since a response is whole, and so are UH and UO, since the transaction system says who is eligible. NULL where nobody was sampled.',
    `coverage` Float64 COMMENT 'deliverable / eligible.',
    `propensity` Float64 COMMENT 'completes / eligible: how likely a customer of the stratum is heard.'
)
AS SELECT
    one.period AS period, if(one.period = 'all', NULL, one.window) AS window_start,
    one.unit_id AS unit_id, one.peer_group AS peer_group, one.channel AS channel, one.is_new AS is_new,
    sum(one.n) AS eligible, sum(one.in_sample) AS sampled, sum(one.reachable) AS deliverable,
    sum(one.n_complete) AS completes, sum(one.n_refusal) AS refusals, sum(one.n_noncontact) AS noncontacts, sum(one.n_other) AS others,
    sum(one.scored) AS nps_responses, sum(one.up) AS promoters, sum(one.down) AS detractors,
    completes / nullIf(sampled, 0) AS rr1, deliverable / eligible AS coverage, completes / eligible AS propensity
FROM (
    SELECT
        period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window, unit_id, peer_group, channel, is_new,
        n, in_sample, reachable, n_complete, n_refusal, n_noncontact, n_other, scored, up, down
    FROM (
        SELECT
            unit_id, peer_group, channel, is_new, toDate32(day - positiveModulo(toInt32(day) - 4, 28)) AS first_day,
            toInt64(count()) AS n, toInt64(countIf(disposition != 'not_sampled')) AS in_sample, toInt64(countIf(was_sent AND NOT bounced)) AS reachable,
            toInt64(countIf(disposition = 'complete')) AS n_complete, toInt64(countIf(disposition = 'refusal')) AS n_refusal,
            toInt64(countIf(disposition = 'noncontact')) AS n_noncontact, toInt64(countIf(disposition = 'other')) AS n_other,
            sum(nps_responses) AS scored, sum(promoters) AS up, sum(detractors) AS down
        FROM survey_chances
        GROUP BY unit_id, peer_group, channel, is_new, first_day
    )
    ARRAY JOIN ['all', '28 days'] AS period
) AS one
GROUP BY one.period, one.window, one.unit_id, one.peer_group, one.channel, one.is_new
COMMENT 'Who could be asked and who was heard, per unit and stratum. Add the counts up over any grouping, then divide again.';

CREATE OR REPLACE VIEW representation${on_cluster}
(
    `grain` String COMMENT 'unit, channel or total: what the row is about. Choose one.',
    `name` String COMMENT 'The unit or the channel of the chances; empty for total.',
    `period` String COMMENT 'all: over all days. 28 days: chances that became eligible in the window that starts at window_start. Choose one of the two.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window. NULL where period is all.',
    `eligible` Int64 COMMENT 'Chances to ask: the population.',
    `completes` Int64 COMMENT 'Of these, answered by a counted response of any metric.',
    `coverage` Float64 COMMENT 'Share of the chances whose invitation was sent and did not bounce.',
    `strata` Int64 COMMENT 'Strata with chances: peer group by channel of the invitation by new or returning.',
    `r_indicator` Float64 COMMENT 'Representativeness: 1 - 2 S, where S is the standard deviation over all chances of the share of their stratum that answered. 1: all strata answer alike.',
    `r_indicator_adjusted` Float64 COMMENT 'The same without the part of S that is to be expected by chance where strata are small; at most 1.',
    `bias_bound` Nullable(Float64) COMMENT '(1 - r_indicator) / (2 * share that answered): by how many of its standard deviations a mean may be off at most because strata answer differently. NULL where nobody answered.',
    `n` Int64 COMMENT 'Counted nps responses to these chances.',
    `nps` Nullable(Float64) COMMENT 'Their score, not weighted, in points. NULL where there are none.',
    `nps_bias_bound` Nullable(Float64) COMMENT 'bias_bound times the standard deviation of these responses, in points.',
    `nps_weighted` Nullable(Float64) COMMENT 'Their score raked to the chances by peer group, channel and new or returning, weights cut to 0.3..3; in points. NULL where there are none, and where raking does not converge.',
    `nps_weighted_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (adjusted Wald with the effective sample size; of a sample of one or two it may lie beside the score), in points, not below -100.',
    `nps_weighted_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, in points, not above 100.',
    `representativeness_gap` Nullable(Float64) COMMENT 'nps_weighted - nps, in points.',
    `effective_sample_size` Nullable(Float64) COMMENT 'Kish: squared sum of the cut weights over the sum of their squares.',
    `design_effect` Nullable(Float64) COMMENT 'n / effective_sample_size.',
    `least_weight` Nullable(Float64) COMMENT 'Smallest weight before the cut; they are 1 on average.',
    `greatest_weight` Nullable(Float64) COMMENT 'Greatest weight before the cut.',
    `raking_error` Nullable(Float64) COMMENT 'Greatest difference of a margin from what it should add up to, as a share of that, after 60 rounds and before the cut; above 0.001 there is no nps_weighted. NULL where there are no responses.'
)
AS WITH
    [by_group, by_channel, by_standing] AS variables,
    cells AS (
        SELECT
            grain, multiIf(grain = 'unit', unit_id, grain = 'channel', toString(channel), '') AS name, period, window_start,
            peer_group, channel, is_new,
            sum(stratum.eligible) AS chances, sum(stratum.completes) AS heard, sum(stratum.deliverable) AS reached,
            sum(stratum.nps_responses) AS size, sum(stratum.promoters) - sum(stratum.detractors) AS balance,
            sum(stratum.promoters) + sum(stratum.detractors) AS ends
        FROM response_strata AS stratum
        ARRAY JOIN ['unit', 'channel', 'total'] AS grain
        GROUP BY grain, name, period, window_start, peer_group, channel, is_new
    ),
    populations AS (
        SELECT
            grain, name, period, window_start,
            toInt64(count()) AS n_cells, sum(chances) AS population, sum(heard) AS answered, sum(reached) / population AS covered,
            answered / population AS mean_propensity,
            groupArray((toFloat64(chances), heard / chances)) AS propensities,
            sum(size) AS n_scored, sum(balance) AS all_balance, sum(ends) AS all_ends,
            groupArrayIf((toFloat64(size), balance, ends), size > 0) AS answers,
            -- A cell by each of the three variables: category, chances, responses.
            groupArray((peer_group, toFloat64(chances), size)) AS by_group,
            groupArray((toString(channel), toFloat64(chances), size)) AS by_channel,
            groupArray((toString(is_new), toFloat64(chances), size)) AS by_standing
        FROM cells
        GROUP BY grain, name, period, window_start
    ),
    raked AS (
        SELECT
            *,
            arraySum(cell -> cell.1 / population * pow(cell.2 - mean_propensity, 2), propensities) AS spread,
            spread - arraySum(
                cell -> cell.1 / population * (1 - cell.1 / population) * cell.2 * (1 - cell.2) / greatest(cell.1 - 1, 1), propensities
            ) AS net_spread,
            arrayMap(cell -> cell.1, answers) AS sizes,
            arrayMap(variable -> arrayFilter(cell -> cell.3 > 0, variable), variables) AS margins,
            -- Categories that nobody answered from cannot be weighted up; the others stand for them.
            arrayMap(
                (variable, margin) -> arraySum(cell -> if(has(arrayMap(one -> one.1, margin), cell.1), cell.2, 0), variable), variables, margins
            ) AS reachable,
            arrayMap(
                (variable, margin, total) -> arrayMap(cell -> n_scored / total * arraySum(other -> if(other.1 = cell.1, other.2, 0), variable), margin),
                variables, margins, reachable
            ) AS targets,
            -- Of each cell, the sizes of those in the same category; others are 0.
            arrayMap(
                margin -> arrayMap(cell -> arrayMap((other, size) -> if(other.1 = cell.1, size, 0.), margin, sizes), margin), margins
            ) AS mates,
            -- Iterative proportional fitting: 60 rounds of one step a margin.
            arrayFold(
                (weights, step) -> arrayMap(
                    (weight, target, sizes_beside) -> weight * target / arrayDotProduct(sizes_beside, weights),
                    weights, targets[step % 3 + 1], mates[step % 3 + 1]
                ),
                range(if(n_scored > 0, 180, 0)), arrayMap(size -> 1., sizes)
            ) AS weights,
            arrayMax(arrayMap(
                (target, beside) -> arrayMax(arrayMap((goal, sizes_beside) -> abs(arrayDotProduct(sizes_beside, weights) / goal - 1), target, beside)),
                targets, mates
            )) AS deviation,
            arrayMap(weight -> least(3., greatest(0.3, weight)), weights) AS cut,
            if(n_scored > 0 AND deviation <= 0.001, arraySum((weight, size) -> weight * size, cut, sizes), NULL) AS weighted_n,
            pow(weighted_n, 2) / arraySum((weight, size) -> weight * weight * size, cut, sizes) AS effective,
            arraySum((weight, answer) -> weight * answer.2, cut, answers) / weighted_n AS mean_balance,
            arraySum((weight, answer) -> weight * answer.3, cut, answers) / weighted_n AS mean_ends,
            -- Adjusted Wald: three more responses, three quarters of them promoters and three quarters detractors.
            mean_balance * effective / (effective + 3) AS centre,
            1.959964 * sqrt(((mean_ends * effective + 1.5) / (effective + 3) - pow(centre, 2)) / (effective + 3)) AS half_width
        FROM populations
    )
SELECT
    grain, name, period, window_start, population AS eligible, answered AS completes, covered AS coverage, n_cells AS strata,
    1 - 2 * sqrt(spread) AS r_indicator,
    -- The root would turn an error of rounding into one that shows.
    1 - 2 * sqrt(if(net_spread > 1e-12, net_spread, 0.)) AS r_indicator_adjusted,
    (1 - r_indicator) / nullIf(2 * mean_propensity, 0) AS bias_bound,
    n_scored AS n, 100 * all_balance / nullIf(n_scored, 0) AS nps,
    bias_bound * 100 * sqrt(all_ends / nullIf(n_scored, 0) - pow(all_balance / nullIf(n_scored, 0), 2)) AS nps_bias_bound,
    100 * mean_balance AS nps_weighted, if(isNull(weighted_n), NULL, greatest(-100., 100 * (centre - half_width))) AS nps_weighted_low,
    if(isNull(weighted_n), NULL, least(100., 100 * (centre + half_width))) AS nps_weighted_high,
    nps_weighted - nps AS representativeness_gap,
    effective AS effective_sample_size, n_scored / effective AS design_effect,
    if(isNull(weighted_n), NULL, arrayMin(weights)) AS least_weight, if(isNull(weighted_n), NULL, arrayMax(weights)) AS greatest_weight,
    if(n_scored > 0, ifNotFinite(deviation, 1.), NULL) AS raking_error
FROM raked
COMMENT 'Who answered, against who could have answered: per unit, channel and altogether. Nothing of it may be added up.';

CREATE OR REPLACE VIEW revenue_weighted_loyalty${on_cluster}
(
    `grain` String COMMENT 'unit, channel or total: what the row is about. Choose one.',
    `name` String COMMENT 'The unit that was rated or the channel of the responses; empty for total.',
    `period` String COMMENT 'all: over all days. 28 days: over the window that starts at window_start. Choose one of the two.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window. NULL where period is all.',
    `n` Int64 COMMENT 'Counted nps responses that name a purchase with an amount above 0.',
    `revenue` Decimal(38, 4) COMMENT 'Gross amount of these purchases, in the base currency.',
    `nps` Float64 COMMENT 'Score of these responses, not weighted, in points.',
    `nps_revenue_weighted` Float64 COMMENT 'The same with each response weighted by the amount of its purchase: promoters\' share of the revenue less that of detractors, in points.',
    `nps_revenue_weighted_low` Float64 COMMENT 'Lower end of its 95 % interval (adjusted Wald with the effective sample size; of a sample of one or two it may lie beside the score), in points, not below -100.',
    `nps_revenue_weighted_high` Float64 COMMENT 'Upper end of its 95 % interval, in points, not above 100.',
    `effective_sample_size` Float64 COMMENT 'Kish: squared sum of the amounts over the sum of their squares. Small where few purchases make up most of the revenue.'
)
AS WITH
    given AS (
        SELECT account_id, assumeNotNull(transaction_id) AS named, assumeNotNull(unit_id) AS unit, toString(channel) AS through, day, class
        FROM fact_responses FINAL
        WHERE metric = 'nps' AND transaction_id IS NOT NULL AND NOT withdrawn AND NOT synthetic
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    purchases AS (
        SELECT account_id, transaction_id, amount_base
        FROM fact_transactions FINAL
        WHERE event_type = 'transaction.completed' AND NOT synthetic AND amount_base > 0
    ),
    sums AS (
        SELECT
            grain, multiIf(grain = 'unit', given.unit, grain = 'channel', given.through, '') AS name, period,
            if(period = 'all', toDate32('1900-01-01'), toDate32(given.day - positiveModulo(toInt32(given.day) - 4, 28))) AS window,
            toInt64(count()) AS many, sum(purchase.amount_base) AS amount, sum(pow(toFloat64(purchase.amount_base), 2)) AS squares,
            countIf(class = 'promoter') AS up, countIf(class = 'detractor') AS down,
            toFloat64(sumIf(purchase.amount_base, class = 'promoter')) / toFloat64(amount) AS share_up,
            toFloat64(sumIf(purchase.amount_base, class = 'detractor')) / toFloat64(amount) AS share_down,
            pow(toFloat64(amount), 2) / squares AS effective,
            (share_up - share_down) * effective / (effective + 3) AS centre,
            1.959964 * sqrt((((share_up + share_down) * effective + 1.5) / (effective + 3) - pow(centre, 2)) / (effective + 3)) AS half_width
        FROM purchases AS purchase
        GLOBAL INNER JOIN given ON given.account_id = purchase.account_id AND given.named = purchase.transaction_id
        ARRAY JOIN ['unit', 'channel', 'total'] AS grain
        ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY grain, name, period, window
    )
SELECT
    grain, name, period, if(period = 'all', NULL, window) AS window_start, many AS n, amount AS revenue,
    100 * (up - down) / many AS nps, 100 * (share_up - share_down) AS nps_revenue_weighted,
    greatest(-100., 100 * (centre - half_width)) AS nps_revenue_weighted_low, least(100., 100 * (centre + half_width)) AS nps_revenue_weighted_high,
    effective AS effective_sample_size
FROM sums
COMMENT 'The score with each response weighted by what was bought. Scores of different rows may not be averaged.';

-- Loyalty by unit, by channel and of all: sums of 0003 beside who was heard. Windows of 28 days start on the Mondays whose number since 1970-01-05 is
-- divisible by 28.

CREATE OR REPLACE VIEW loyalty_by_unit${on_cluster}
(
    `unit_id` String COMMENT 'The unit that was rated.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `period` String COMMENT 'all: over all days. 28 days: over the window that starts at window_start. Choose one of the two, or every response counts twice.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window; windows do not overlap. NULL where period is all.',
    -- include: loyalty_columns
    `ces_bound_low` Nullable(Float64) COMMENT 'ces if every flagged response had the lowest score. NULL for other metrics.',
    `validity_rate` Float64 COMMENT 'Share of the counted responses without a standing flag: 1 - flagged / n.',
    `response_rate` Nullable(Float64) COMMENT 'Distinct invitations of the unit sent in the period (by their sent day), not bounced and answered by a counted response of any metric, over all that were sent and did not bounce. The same on every metric\'s row. NULL where none was sent.',
    `coverage` Nullable(Float64) COMMENT 'Of the chances to ask of the unit that became eligible in the period, the share whose invitation was sent and did not bounce. The same on every metric\'s row, as are r_indicator and bias_bound. NULL where nothing was eligible.',
    `r_indicator` Nullable(Float64) COMMENT 'Representativeness of who answered any metric among these chances: 1 - 2 S, where S is the standard deviation of the share that answered over strata (peer group by channel of the invitation by new or returning). 1: all strata answer alike. See representation.',
    `bias_bound` Nullable(Float64) COMMENT '(1 - r_indicator) / (2 * share that answered): by how many standard deviations a mean may be off at most because strata answer differently.',
    `nps_weighted` Nullable(Float64) COMMENT 'Score of the answers to these chances, raked to all of them by peer group, channel and new or returning, weights cut to 0.3..3; in points. NULL for other metrics, where there are none, and where raking does not converge.',
    `nps_weighted_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (adjusted Wald with the effective sample size; of a sample of one or two it may lie beside the score), in points, not below -100.',
    `nps_weighted_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, in points, not above 100.',
    `effective_sample_size` Nullable(Float64) COMMENT 'How many unweighted responses nps_weighted is worth (Kish).'
)
AS WITH
    -- include: loyalty_formulas
    if(metric = 'ces', mean_margin(score_sum - flagged_score_sum, score_sum_squares - flagged_score_sum_squares, n - flagged), NULL) AS ces_excluded_margin,
    loyalty AS (
        SELECT
            cell.unit_id, cell.metric, toDate32(cell.day - positiveModulo(toInt32(cell.day) - 4, 28)) AS first_day,
            sum(cell.n) AS n,
            sum(cell.promoters) AS promoters,
            sum(cell.passives) AS passives,
            sum(cell.detractors) AS detractors,
            sum(cell.top_box) AS top_box,
            sum(cell.top_two_box) AS top_two_box,
            sum(cell.score_sum) AS score_sum,
            sum(cell.score_sum_squares) AS score_sum_squares,
            sum(cell.flagged) AS flagged,
            sum(cell.flagged_promoters) AS flagged_promoters,
            sum(cell.flagged_passives) AS flagged_passives,
            sum(cell.flagged_detractors) AS flagged_detractors,
            sum(cell.flagged_top_two_box) AS flagged_top_two_box,
            sum(cell.flagged_score_sum) AS flagged_score_sum,
            sum(cell.flagged_score_sum_squares) AS flagged_score_sum_squares,
            sum(cell.revenue) AS revenue
        FROM loyalty_sums AS cell
        GROUP BY cell.unit_id, cell.metric, first_day
    ),
    asked AS (
        SELECT unit_id, toDate32(day - positiveModulo(toInt32(day) - 4, 28)) AS first_day, count() AS sent, countIf(answered) AS answers
        FROM invitation_outcomes
        GROUP BY unit_id, first_day
    ),
    rates AS (
        SELECT unit_id, period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window, sum(asked.answers) / sum(asked.sent) AS rate
        FROM asked ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY unit_id, period, window
    ),
    heard AS (
        SELECT
            name, period, ifNull(window_start, toDate32('1900-01-01')) AS window, coverage, r_indicator, bias_bound,
            nps_weighted, nps_weighted_low, nps_weighted_high, effective_sample_size
        FROM representation
        WHERE grain = 'unit'
    ),
    scores AS (
        SELECT
            unit_id, metric, period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window,
            sum(loyalty.n) AS n,
            sum(loyalty.promoters) AS promoters,
            sum(loyalty.passives) AS passives,
            sum(loyalty.detractors) AS detractors,
            sum(loyalty.top_box) AS top_box,
            sum(loyalty.top_two_box) AS top_two_box,
            toFloat64(sum(loyalty.score_sum)) AS score_sum,
            toFloat64(sum(loyalty.score_sum_squares)) AS score_sum_squares,
            sum(loyalty.flagged) AS flagged,
            sum(loyalty.flagged_promoters) AS flagged_promoters,
            sum(loyalty.flagged_passives) AS flagged_passives,
            sum(loyalty.flagged_detractors) AS flagged_detractors,
            sum(loyalty.flagged_top_two_box) AS flagged_top_two_box,
            toFloat64(sum(loyalty.flagged_score_sum)) AS flagged_score_sum,
            toFloat64(sum(loyalty.flagged_score_sum_squares)) AS flagged_score_sum_squares,
            sum(loyalty.revenue) AS revenue
        FROM loyalty ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY unit_id, metric, period, window
        HAVING n > 0
    )
SELECT
    scores.unit_id AS unit_id, metric, scores.period AS period, if(scores.period = 'all', NULL, scores.window) AS window_start,
    n, promoters, passives, detractors, top_box, top_two_box, score_sum, score_sum_squares, flagged, flagged_promoters, flagged_passives, flagged_detractors, flagged_top_two_box,
    flagged_score_sum, flagged_score_sum_squares, revenue,
    -- include: loyalty_scores
    if(metric = 'ces', (score_sum - flagged_score_sum + flagged) / n, NULL) AS ces_bound_low,
    1 - flagged / n AS validity_rate,
    if(rates.period = '', NULL, rates.rate) AS response_rate,
    if(heard.period = '', NULL, heard.coverage) AS coverage, if(heard.period = '', NULL, heard.r_indicator) AS r_indicator, heard.bias_bound AS bias_bound,
    if(metric = 'nps', heard.nps_weighted, NULL) AS nps_weighted, if(metric = 'nps', heard.nps_weighted_low, NULL) AS nps_weighted_low,
    if(metric = 'nps', heard.nps_weighted_high, NULL) AS nps_weighted_high, if(metric = 'nps', heard.effective_sample_size, NULL) AS effective_sample_size
FROM scores LEFT JOIN rates ON scores.unit_id = rates.unit_id AND scores.period = rates.period AND scores.window = rates.window
LEFT JOIN heard ON scores.unit_id = heard.name AND scores.period = heard.period AND scores.window = heard.window
SETTINGS join_use_nulls = 0
COMMENT 'Loyalty per unit and metric: one row over all days, and one per 28-day window. Choose one period; rows of different metrics are never added up.';

CREATE OR REPLACE VIEW loyalty_by_channel${on_cluster}
(
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `period` String COMMENT 'all: over all days. 28 days: over the window that starts at window_start. Choose one of the two, or every response counts twice.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window; windows do not overlap. NULL where period is all.',
    -- include: loyalty_columns
    `ces_bound_low` Nullable(Float64) COMMENT 'ces if every flagged response had the lowest score. NULL for other metrics.',
    `validity_rate` Float64 COMMENT 'Share of the counted responses without a standing flag: 1 - flagged / n.',
    `response_rate` Nullable(Float64) COMMENT 'Distinct invitations on the channel sent in the period (by their sent day), not bounced and answered by a counted response of any metric, over all that were sent and did not bounce. The same on every metric\'s row. NULL where none was sent.',
    `coverage` Nullable(Float64) COMMENT 'Of the chances to ask on the channel that became eligible in the period, the share whose invitation was sent and did not bounce. The same on every metric\'s row, as are r_indicator and bias_bound. NULL where nothing was eligible.',
    `r_indicator` Nullable(Float64) COMMENT 'Representativeness of who answered any metric among these chances: 1 - 2 S, where S is the standard deviation of the share that answered over strata (peer group by channel of the invitation by new or returning). 1: all strata answer alike. See representation.',
    `bias_bound` Nullable(Float64) COMMENT '(1 - r_indicator) / (2 * share that answered): by how many standard deviations a mean may be off at most because strata answer differently.',
    `nps_weighted` Nullable(Float64) COMMENT 'Score of the answers to these chances, raked to all of them by peer group, channel and new or returning, weights cut to 0.3..3; in points. NULL for other metrics, where there are none, and where raking does not converge.',
    `nps_weighted_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (adjusted Wald with the effective sample size; of a sample of one or two it may lie beside the score), in points, not below -100.',
    `nps_weighted_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, in points, not above 100.',
    `effective_sample_size` Nullable(Float64) COMMENT 'How many unweighted responses nps_weighted is worth (Kish).'
)
AS WITH
    -- include: loyalty_formulas
    if(metric = 'ces', mean_margin(score_sum - flagged_score_sum, score_sum_squares - flagged_score_sum_squares, n - flagged), NULL) AS ces_excluded_margin,
    loyalty AS (
        SELECT
            cell.channel, cell.metric, toDate32(cell.day - positiveModulo(toInt32(cell.day) - 4, 28)) AS first_day,
            sum(cell.n) AS n,
            sum(cell.promoters) AS promoters,
            sum(cell.passives) AS passives,
            sum(cell.detractors) AS detractors,
            sum(cell.top_box) AS top_box,
            sum(cell.top_two_box) AS top_two_box,
            sum(cell.score_sum) AS score_sum,
            sum(cell.score_sum_squares) AS score_sum_squares,
            sum(cell.flagged) AS flagged,
            sum(cell.flagged_promoters) AS flagged_promoters,
            sum(cell.flagged_passives) AS flagged_passives,
            sum(cell.flagged_detractors) AS flagged_detractors,
            sum(cell.flagged_top_two_box) AS flagged_top_two_box,
            sum(cell.flagged_score_sum) AS flagged_score_sum,
            sum(cell.flagged_score_sum_squares) AS flagged_score_sum_squares,
            sum(cell.revenue) AS revenue
        FROM loyalty_sums AS cell
        GROUP BY cell.channel, cell.metric, first_day
    ),
    asked AS (
        SELECT channel, toDate32(day - positiveModulo(toInt32(day) - 4, 28)) AS first_day, count() AS sent, countIf(answered) AS answers
        FROM invitation_outcomes
        GROUP BY channel, first_day
    ),
    rates AS (
        SELECT channel, period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window, sum(asked.answers) / sum(asked.sent) AS rate
        FROM asked ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY channel, period, window
    ),
    heard AS (
        SELECT
            name, period, ifNull(window_start, toDate32('1900-01-01')) AS window, coverage, r_indicator, bias_bound,
            nps_weighted, nps_weighted_low, nps_weighted_high, effective_sample_size
        FROM representation
        WHERE grain = 'channel'
    ),
    scores AS (
        SELECT
            channel, metric, period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window,
            sum(loyalty.n) AS n,
            sum(loyalty.promoters) AS promoters,
            sum(loyalty.passives) AS passives,
            sum(loyalty.detractors) AS detractors,
            sum(loyalty.top_box) AS top_box,
            sum(loyalty.top_two_box) AS top_two_box,
            toFloat64(sum(loyalty.score_sum)) AS score_sum,
            toFloat64(sum(loyalty.score_sum_squares)) AS score_sum_squares,
            sum(loyalty.flagged) AS flagged,
            sum(loyalty.flagged_promoters) AS flagged_promoters,
            sum(loyalty.flagged_passives) AS flagged_passives,
            sum(loyalty.flagged_detractors) AS flagged_detractors,
            sum(loyalty.flagged_top_two_box) AS flagged_top_two_box,
            toFloat64(sum(loyalty.flagged_score_sum)) AS flagged_score_sum,
            toFloat64(sum(loyalty.flagged_score_sum_squares)) AS flagged_score_sum_squares,
            sum(loyalty.revenue) AS revenue
        FROM loyalty ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY channel, metric, period, window
        HAVING n > 0
    )
SELECT
    scores.channel AS channel, metric, scores.period AS period, if(scores.period = 'all', NULL, scores.window) AS window_start,
    n, promoters, passives, detractors, top_box, top_two_box, score_sum, score_sum_squares, flagged, flagged_promoters, flagged_passives, flagged_detractors, flagged_top_two_box,
    flagged_score_sum, flagged_score_sum_squares, revenue,
    -- include: loyalty_scores
    if(metric = 'ces', (score_sum - flagged_score_sum + flagged) / n, NULL) AS ces_bound_low,
    1 - flagged / n AS validity_rate,
    if(rates.period = '', NULL, rates.rate) AS response_rate,
    if(heard.period = '', NULL, heard.coverage) AS coverage, if(heard.period = '', NULL, heard.r_indicator) AS r_indicator, heard.bias_bound AS bias_bound,
    if(metric = 'nps', heard.nps_weighted, NULL) AS nps_weighted, if(metric = 'nps', heard.nps_weighted_low, NULL) AS nps_weighted_low,
    if(metric = 'nps', heard.nps_weighted_high, NULL) AS nps_weighted_high, if(metric = 'nps', heard.effective_sample_size, NULL) AS effective_sample_size
FROM scores LEFT JOIN rates ON scores.channel = rates.channel AND scores.period = rates.period AND scores.window = rates.window
LEFT JOIN heard ON scores.channel = heard.name AND scores.period = heard.period AND scores.window = heard.window
SETTINGS join_use_nulls = 0
COMMENT 'Loyalty per channel and metric: one row over all days, and one per 28-day window. Choose one period; rows of different metrics are never added up.';

CREATE OR REPLACE VIEW loyalty_total${on_cluster}
(
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `period` String COMMENT 'all: over all days. 28 days: over the window that starts at window_start. Choose one of the two, or every response counts twice.',
    `window_start` Nullable(Date32) COMMENT 'First day, a Monday, of the 28-day window; windows do not overlap. NULL where period is all.',
    -- include: loyalty_columns
    `ces_bound_low` Nullable(Float64) COMMENT 'ces if every flagged response had the lowest score. NULL for other metrics.',
    `validity_rate` Float64 COMMENT 'Share of the counted responses without a standing flag: 1 - flagged / n.',
    `response_rate` Nullable(Float64) COMMENT 'Distinct invitations sent in the period (by their sent day), not bounced and answered by a counted response of any metric, over all that were sent and did not bounce. The same on every metric\'s row. NULL where none was sent.',
    `coverage` Nullable(Float64) COMMENT 'Of the chances to ask that became eligible in the period, the share whose invitation was sent and did not bounce. The same on every metric\'s row, as are r_indicator and bias_bound. NULL where nothing was eligible.',
    `r_indicator` Nullable(Float64) COMMENT 'Representativeness of who answered any metric among these chances: 1 - 2 S, where S is the standard deviation of the share that answered over strata (peer group by channel of the invitation by new or returning). 1: all strata answer alike. See representation.',
    `bias_bound` Nullable(Float64) COMMENT '(1 - r_indicator) / (2 * share that answered): by how many standard deviations a mean may be off at most because strata answer differently.',
    `nps_weighted` Nullable(Float64) COMMENT 'Score of the answers to these chances, raked to all of them by peer group, channel and new or returning, weights cut to 0.3..3; in points. NULL for other metrics, where there are none, and where raking does not converge.',
    `nps_weighted_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (adjusted Wald with the effective sample size; of a sample of one or two it may lie beside the score), in points, not below -100.',
    `nps_weighted_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval, in points, not above 100.',
    `effective_sample_size` Nullable(Float64) COMMENT 'How many unweighted responses nps_weighted is worth (Kish).'
)
AS WITH
    -- include: loyalty_formulas
    if(metric = 'ces', mean_margin(score_sum - flagged_score_sum, score_sum_squares - flagged_score_sum_squares, n - flagged), NULL) AS ces_excluded_margin,
    loyalty AS (
        SELECT
            cell.metric, toDate32(cell.day - positiveModulo(toInt32(cell.day) - 4, 28)) AS first_day,
            sum(cell.n) AS n,
            sum(cell.promoters) AS promoters,
            sum(cell.passives) AS passives,
            sum(cell.detractors) AS detractors,
            sum(cell.top_box) AS top_box,
            sum(cell.top_two_box) AS top_two_box,
            sum(cell.score_sum) AS score_sum,
            sum(cell.score_sum_squares) AS score_sum_squares,
            sum(cell.flagged) AS flagged,
            sum(cell.flagged_promoters) AS flagged_promoters,
            sum(cell.flagged_passives) AS flagged_passives,
            sum(cell.flagged_detractors) AS flagged_detractors,
            sum(cell.flagged_top_two_box) AS flagged_top_two_box,
            sum(cell.flagged_score_sum) AS flagged_score_sum,
            sum(cell.flagged_score_sum_squares) AS flagged_score_sum_squares,
            sum(cell.revenue) AS revenue
        FROM loyalty_sums AS cell
        GROUP BY cell.metric, first_day
    ),
    asked AS (
        SELECT toDate32(day - positiveModulo(toInt32(day) - 4, 28)) AS first_day, count() AS sent, countIf(answered) AS answers
        FROM invitation_outcomes
        GROUP BY first_day
    ),
    rates AS (
        SELECT period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window, sum(asked.answers) / sum(asked.sent) AS rate
        FROM asked ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY period, window
    ),
    heard AS (
        SELECT
            name, period, ifNull(window_start, toDate32('1900-01-01')) AS window, coverage, r_indicator, bias_bound,
            nps_weighted, nps_weighted_low, nps_weighted_high, effective_sample_size
        FROM representation
        WHERE grain = 'total'
    ),
    scores AS (
        SELECT
            metric, period, if(period = 'all', toDate32('1900-01-01'), first_day) AS window,
            sum(loyalty.n) AS n,
            sum(loyalty.promoters) AS promoters,
            sum(loyalty.passives) AS passives,
            sum(loyalty.detractors) AS detractors,
            sum(loyalty.top_box) AS top_box,
            sum(loyalty.top_two_box) AS top_two_box,
            toFloat64(sum(loyalty.score_sum)) AS score_sum,
            toFloat64(sum(loyalty.score_sum_squares)) AS score_sum_squares,
            sum(loyalty.flagged) AS flagged,
            sum(loyalty.flagged_promoters) AS flagged_promoters,
            sum(loyalty.flagged_passives) AS flagged_passives,
            sum(loyalty.flagged_detractors) AS flagged_detractors,
            sum(loyalty.flagged_top_two_box) AS flagged_top_two_box,
            toFloat64(sum(loyalty.flagged_score_sum)) AS flagged_score_sum,
            toFloat64(sum(loyalty.flagged_score_sum_squares)) AS flagged_score_sum_squares,
            sum(loyalty.revenue) AS revenue
        FROM loyalty ARRAY JOIN ['all', '28 days'] AS period
        GROUP BY metric, period, window
        HAVING n > 0
    )
SELECT
    metric, scores.period AS period, if(scores.period = 'all', NULL, scores.window) AS window_start,
    n, promoters, passives, detractors, top_box, top_two_box, score_sum, score_sum_squares, flagged, flagged_promoters, flagged_passives, flagged_detractors, flagged_top_two_box,
    flagged_score_sum, flagged_score_sum_squares, revenue,
    -- include: loyalty_scores
    if(metric = 'ces', (score_sum - flagged_score_sum + flagged) / n, NULL) AS ces_bound_low,
    1 - flagged / n AS validity_rate,
    if(rates.period = '', NULL, rates.rate) AS response_rate,
    if(heard.period = '', NULL, heard.coverage) AS coverage, if(heard.period = '', NULL, heard.r_indicator) AS r_indicator, heard.bias_bound AS bias_bound,
    if(metric = 'nps', heard.nps_weighted, NULL) AS nps_weighted, if(metric = 'nps', heard.nps_weighted_low, NULL) AS nps_weighted_low,
    if(metric = 'nps', heard.nps_weighted_high, NULL) AS nps_weighted_high, if(metric = 'nps', heard.effective_sample_size, NULL) AS effective_sample_size
FROM scores LEFT JOIN rates ON scores.period = rates.period AND scores.window = rates.window
LEFT JOIN heard ON scores.period = heard.period AND scores.window = heard.window
SETTINGS join_use_nulls = 0
COMMENT 'Loyalty per metric: one row over all days, and one per 28-day window. Choose one period; rows of different metrics are never added up.';
