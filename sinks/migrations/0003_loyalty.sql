-- Loyalty: scores are computed from sums, never stored. Views by unit, by channel and of all are in 0008, where it is known who was heard.

CREATE OR REPLACE VIEW flagged_responses${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response.',
    `revision` Int64 COMMENT 'The revision that counts.',
    `day` Date32 COMMENT 'Local date of the response.',
    `unit_id` String COMMENT 'The unit that it rates.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `class` LowCardinality(Nullable(String)) COMMENT 'Of nps: promoter, passive or detractor; NULL for other metrics.',
    `score_mapped` Float64 COMMENT 'Score mapped to the metric\'s default scale.',
    `top_two_box` Bool COMMENT 'csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `flag_reasons` Array(String) COMMENT 'Names of the detectors whose flags stand.',
    `flag_weight` Float64 COMMENT 'Of the answers that carried the sign when its finding was raised, the share above what is usual at most, 0 to 1: how likely such an answer is one too many. Of several reasons the greatest.'
)
AS SELECT
    fact.account_id,
    fact.response_id,
    fact.revision,
    fact.day,
    flag.of_unit AS unit_id,
    fact.channel,
    assumeNotNull(fact.metric) AS metric,
    fact.class,
    assumeNotNull(fact.score_mapped) AS score_mapped,
    assumeNotNull(fact.top_two_box) AS top_two_box,
    flag.reasons AS flag_reasons,
    flag.weight AS flag_weight
FROM (
    SELECT account_id, response_id, revision, day, unit_id, channel, metric, class, score_mapped, top_two_box
    FROM fact_responses FINAL
    WHERE (account_id, response_id) GLOBAL IN (SELECT of_account, of_response FROM standing_flags)
        AND NOT synthetic AND NOT withdrawn
        AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
) AS fact
GLOBAL INNER JOIN standing_flags AS flag
    ON fact.account_id = flag.of_account AND fact.response_id = flag.of_response AND fact.unit_id = flag.of_unit
COMMENT 'Counted responses with at least one standing flag.';

CREATE OR REPLACE VIEW loyalty_sums${on_cluster}
(
    `day` Date32 COMMENT 'Local date of the responses, in the catalog\'s timezone.',
    `unit_id` String COMMENT 'The unit that was rated.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `n` Int64 COMMENT 'Counted responses: neither withdrawn, superseded nor synthetic.',
    `promoters` Int64 COMMENT 'Promoters among them: mapped nps score >= 9. 0 for other metrics.',
    `passives` Int64 COMMENT 'Passives among them: mapped nps score >= 7 and < 9. 0 for other metrics.',
    `detractors` Int64 COMMENT 'Detractors among them: mapped nps score < 7. 0 for other metrics.',
    `top_box` Int64 COMMENT 'Responses at the top of the scale.',
    `top_two_box` Int64 COMMENT 'csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `score_sum` Decimal(38, 9) COMMENT 'Sum of the scores, mapped to the metric\'s default scale.',
    `score_sum_squares` Decimal(38, 9) COMMENT 'Sum of the squares of the mapped scores.',
    `revenue` Decimal(38, 4) COMMENT 'Gross amount, in the base currency, of the purchases that the responses name.',
    `flagged` Int64 COMMENT 'Counted responses with at least one standing flag.',
    `flagged_promoters` Int64 COMMENT 'Promoters among the flagged.',
    `flagged_passives` Int64 COMMENT 'Passives among the flagged.',
    `flagged_detractors` Int64 COMMENT 'Detractors among the flagged.',
    `flagged_top_two_box` Int64 COMMENT 'Of the flagged, csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `flagged_score_sum` Decimal(38, 9) COMMENT 'Part of score_sum that is of the flagged.',
    `flagged_score_sum_squares` Decimal(38, 9) COMMENT 'Part of score_sum_squares that is of the flagged.'
)
AS SELECT
    day, unit_id, channel, metric, n, promoters, passives, detractors, top_box, top_two_box, score_sum, score_sum_squares, revenue,
    0 AS flagged, 0 AS flagged_promoters, 0 AS flagged_passives, 0 AS flagged_detractors, 0 AS flagged_top_two_box,
    0 AS flagged_score_sum, 0 AS flagged_score_sum_squares
FROM cell_loyalty FINAL
UNION ALL
SELECT
    day, unit_id, channel, metric, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    count(), countIf(class = 'promoter'), countIf(class = 'passive'), countIf(class = 'detractor'), countIf(top_two_box),
    -- In billionths, as the cells are summed.
    toDecimal128(sum(toInt64(round(score_mapped * 1000000000))), 9) / 1000000000,
    toDecimal128(sum(toInt64(round(score_mapped * score_mapped * 1000000000))), 9) / 1000000000
FROM flagged_responses
GROUP BY day, unit_id, channel, metric
COMMENT 'What the loyalty views add up: several rows per day, unit, channel and metric.';

CREATE OR REPLACE VIEW loyalty_daily${on_cluster}
(
    `day` Date32 COMMENT 'Local date of the responses, in the catalog\'s timezone.',
    `unit_id` String COMMENT 'The unit that was rated.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    -- include: loyalty_columns
    `ces_bound_low` Nullable(Float64) COMMENT 'ces if every flagged response had the lowest score. NULL for other metrics.'
)
AS WITH
    -- include: loyalty_formulas
    if(metric = 'ces', mean_margin(score_sum - flagged_score_sum, score_sum_squares - flagged_score_sum_squares, n - flagged), NULL) AS ces_excluded_margin
SELECT
    cell.day, cell.unit_id, cell.channel, cell.metric,
    sum(cell.n) AS n,
    sum(cell.promoters) AS promoters,
    sum(cell.passives) AS passives,
    sum(cell.detractors) AS detractors,
    sum(cell.top_box) AS top_box,
    sum(cell.top_two_box) AS top_two_box,
    toFloat64(sum(cell.score_sum)) AS score_sum,
    toFloat64(sum(cell.score_sum_squares)) AS score_sum_squares,
    sum(cell.flagged) AS flagged,
    sum(cell.flagged_promoters) AS flagged_promoters,
    sum(cell.flagged_passives) AS flagged_passives,
    sum(cell.flagged_detractors) AS flagged_detractors,
    sum(cell.flagged_top_two_box) AS flagged_top_two_box,
    toFloat64(sum(cell.flagged_score_sum)) AS flagged_score_sum,
    toFloat64(sum(cell.flagged_score_sum_squares)) AS flagged_score_sum_squares,
    sum(cell.revenue) AS revenue,
    -- include: loyalty_scores
    if(metric = 'ces', (score_sum - flagged_score_sum + flagged) / n, NULL) AS ces_bound_low
FROM loyalty_sums AS cell
GROUP BY cell.day, cell.unit_id, cell.channel, cell.metric
HAVING n > 0
COMMENT 'Loyalty per day, unit, channel and metric. The sums may be added up over any grouping; scores are computed again from them.';

CREATE OR REPLACE VIEW loyalty_last_days${on_cluster}
(
    `unit_id` String COMMENT 'The unit that was rated.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    -- include: loyalty_columns
    `ces_bound_low` Nullable(Float64) COMMENT 'ces if every flagged response had the lowest score. NULL for other metrics.'
)
AS WITH
    -- include: loyalty_formulas
    if(metric = 'ces', mean_margin(score_sum - flagged_score_sum, score_sum_squares - flagged_score_sum_squares, n - flagged), NULL) AS ces_excluded_margin
SELECT
    cell.unit_id, cell.channel, cell.metric,
    sum(cell.n) AS n,
    sum(cell.promoters) AS promoters,
    sum(cell.passives) AS passives,
    sum(cell.detractors) AS detractors,
    sum(cell.top_box) AS top_box,
    sum(cell.top_two_box) AS top_two_box,
    toFloat64(sum(cell.score_sum)) AS score_sum,
    toFloat64(sum(cell.score_sum_squares)) AS score_sum_squares,
    sum(cell.flagged) AS flagged,
    sum(cell.flagged_promoters) AS flagged_promoters,
    sum(cell.flagged_passives) AS flagged_passives,
    sum(cell.flagged_detractors) AS flagged_detractors,
    sum(cell.flagged_top_two_box) AS flagged_top_two_box,
    toFloat64(sum(cell.flagged_score_sum)) AS flagged_score_sum,
    toFloat64(sum(cell.flagged_score_sum_squares)) AS flagged_score_sum_squares,
    sum(cell.revenue) AS revenue,
    -- include: loyalty_scores
    if(metric = 'ces', (score_sum - flagged_score_sum + flagged) / n, NULL) AS ces_bound_low
FROM loyalty_sums AS cell
WHERE cell.day > {as_of:Date32} - {days:UInt32} AND cell.day <= {as_of:Date32}
GROUP BY cell.unit_id, cell.channel, cell.metric
HAVING n > 0
COMMENT 'Loyalty per unit, channel and metric over the last days up to a date, that date included: SELECT * FROM loyalty_last_days(days = 28, as_of = \'2026-03-31\').';

CREATE OR REPLACE VIEW invitation_outcomes${on_cluster}
(
    `account_id` String COMMENT 'The account that was asked.',
    `invitation_id` String COMMENT 'The invitation.',
    `unit_id` String COMMENT 'Unit of the invitation, from its earliest sending.',
    `channel` LowCardinality(String) COMMENT 'Channel of the invitation, from its earliest sending.',
    `sent_at` DateTime64(6, 'UTC') COMMENT 'When it was first sent (UTC).',
    `day` Date32 COMMENT 'Local date of sent_at.',
    `answered` Bool COMMENT 'A counted response of the same account names it.'
)
AS WITH steps AS (
    -- Steps of invitations and answers to them, grouped once: that is cheaper than to join them. A key has one time a kind of step, so the earliest is one row.
    SELECT
        account_id, invitation_id, ifNull(unit_id, '') AS of_unit, channel AS of_channel, day AS of_day, occurred_at, event_type = 'invitation.sent' AS sends,
        event_type = 'invitation.bounced' AS bounces, 0 AS answers
    FROM fact_invitations FINAL
    WHERE NOT synthetic AND event_type IN ('invitation.sent', 'invitation.bounced')
    UNION ALL
    SELECT account_id, assumeNotNull(invitation_id), '', '', toDate32(0), toDateTime64(0, 6, 'UTC'), 0, 0, 1
    FROM fact_responses FINAL
    WHERE invitation_id IS NOT NULL AND NOT withdrawn AND NOT synthetic
        AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
)
SELECT
    step.account_id AS account_id,
    step.invitation_id AS invitation_id,
    argMinIf(step.of_unit, step.occurred_at, step.sends AND step.of_unit != '') AS unit_id,
    argMinIf(step.of_channel, step.occurred_at, step.sends) AS channel,
    minIf(step.occurred_at, step.sends) AS sent_at,
    argMinIf(step.of_day, step.occurred_at, step.sends) AS day,
    CAST(max(step.answers), 'Bool') AS answered
FROM steps AS step
GROUP BY step.account_id, step.invitation_id
HAVING max(step.sends) AND NOT max(step.bounces)
-- Rows of one key have one time and so one day, and are never in two partitions.
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Invitations that were sent and did not bounce, and whether they were answered: what response rates are made of.';
