-- What the detectors found, and what is to be thought of each unit.

CREATE OR REPLACE VIEW findings${on_cluster}
(
    `finding_id` String COMMENT 'Unit, plan or fleet, detector and the day on which it was raised.',
    `unit_id` Nullable(String) COMMENT 'The unit; NULL where it is about an incentive plan or the fleet.',
    `plan_id` Nullable(String) COMMENT 'The incentive plan, all of whose units were looked at as one; NULL where it is about a unit or the fleet.',
    `detector` LowCardinality(String) COMMENT 'What sounded.',
    `family` LowCardinality(String) COMMENT 'The kind of its evidence.',
    `state` String COMMENT 'suspect: another kind of evidence was active at the unit at the same time, or somebody confirmed it; investigate: this kind alone, which honest change may explain; clear: somebody dismissed it.',
    `since` Date32 COMMENT 'The day on which the gaming most likely began.',
    `raised_on` Date32 COMMENT 'The local day whose answers raised it.',
    `raised_at` DateTime64(6, 'UTC') COMMENT 'The newest occurred_at of the unit\'s or the plan\'s answers on the day that raised it (UTC).',
    `sounded_on` Date32 COMMENT 'The newest day on which it sounded; a finding is active for 60 days from then on.',
    `e_value` Float64 COMMENT 'Evidence when it was raised: a unit where nothing is wrong reaches x once in x days or less often.',
    `found` Float64 COMMENT 'What was counted from since to raised_on; evidence says what.',
    `looked_at` Float64 COMMENT 'Among how many.',
    `at_most` Float64 COMMENT 'How many would have been usual, at most.',
    `response_ids` Array(String) COMMENT 'Responses from since to sounded_on that carry the detector\'s sign; empty for detectors that look at numbers alone.',
    `evidence` String COMMENT 'The same in words.',
    `decision` Nullable(String) COMMENT 'What people decided: confirmed or dismissed; NULL: nothing yet.',
    `decided_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When it was decided (UTC).',
    `decided_by` Nullable(String) COMMENT 'Who decided.',
    `decision_reason` Nullable(String) COMMENT 'Why.'
)
AS WITH
    signed AS (
        SELECT one.finding_id AS finding_id, arraySort(groupUniqArray(sign.response_id)) AS response_ids
        FROM standing_findings AS one
        GLOBAL INNER JOIN (SELECT unit_id, response_id, day, arrayJoin(signs) AS detector FROM cell_signs FINAL) AS sign
            ON one.unit_id = sign.unit_id AND toString(one.detector) = sign.detector
        WHERE sign.day >= one.since AND sign.day <= one.sounded_on
        GROUP BY one.finding_id
    )
SELECT
    cell.finding_id AS finding_id, nullIf(cell.unit_id, '') AS unit_id, nullIf(cell.plan_id, '') AS plan_id,
    cell.detector AS detector, cell.family AS family, standing.state AS state,
    cell.since AS since, cell.raised_on AS raised_on, cell.raised_at AS raised_at, cell.sounded_on AS sounded_on,
    cell.e_value AS e_value, cell.found AS found, cell.looked_at AS looked_at, cell.at_most AS at_most,
    signed.response_ids AS response_ids, cell.evidence AS evidence,
    nullIf(standing.decision, '') AS decision, standing.decided_at AS decided_at,
    if(standing.decision = '', NULL, standing.decided_by) AS decided_by,
    if(standing.decision = '', NULL, standing.decision_reason) AS decision_reason
FROM cell_findings AS cell FINAL
GLOBAL INNER JOIN standing_findings AS standing ON cell.finding_id = standing.finding_id
GLOBAL LEFT JOIN signed ON cell.finding_id = signed.finding_id
SETTINGS join_use_nulls = 0
COMMENT 'Alarms of the detectors, one row each, with the evidence and what people decided about them.';

CREATE OR REPLACE VIEW integrity_units${on_cluster}
(
    `unit_id` String COMMENT 'The unit.',
    `state` LowCardinality(String) COMMENT 'clear, investigate (one kind of evidence, which honest change may explain) or suspect (two kinds or more, or a finding that somebody confirmed).',
    `families` Array(String) COMMENT 'Kinds of evidence that are active: of findings whose detector sounded within 60 days.',
    `since` Nullable(Date32) COMMENT 'The day on which the oldest active finding most likely began; NULL where the unit is clear.',
    `e_value` Float64 COMMENT 'Evidence of all detectors together: a unit where nothing is wrong reaches x once in x days or less often.',
    `judged` Date32 COMMENT 'The newest day that changed one of these.',
    `n` Int64 COMMENT 'Counted responses of all metrics.',
    `flagged` Int64 COMMENT 'Counted responses with at least one standing flag.',
    `validity_rate` Nullable(Float64) COMMENT '1 - flagged / n. NULL where nothing counts.',
    `n_nps` Int64 COMMENT 'Counted responses of metric nps.',
    `nps_raw` Nullable(Float64) COMMENT 'Net promoter score of all counted responses, in points.',
    `nps_raw_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval (adjusted Wald) of nps_raw, in points, not below -100.',
    `nps_raw_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval (adjusted Wald) of nps_raw, in points, not above 100.',
    `nps_excluded` Nullable(Float64) COMMENT 'Without the flagged responses. NULL where nothing is left.',
    `nps_excluded_low` Nullable(Float64) COMMENT 'Lower end of the 95 % interval (adjusted Wald) of nps_excluded, in points, not below -100.',
    `nps_excluded_high` Nullable(Float64) COMMENT 'Upper end of the 95 % interval (adjusted Wald) of nps_excluded, in points, not above 100.',
    `nps_bound_low` Nullable(Float64) COMMENT 'If every flagged response were a detractor.'
)
AS WITH
    -- include: adjusted_wald
    loyalty.promoters - loyalty.flagged_promoters AS kept_promoters,
    loyalty.detractors - loyalty.flagged_detractors AS kept_detractors,
    loyalty.n_nps - loyalty.flagged_nps AS kept
SELECT
    unit.unit_id AS unit_id, unit.state AS state, unit.families AS families, unit.since AS since, unit.e_value AS e_value, unit.judged AS judged,
    loyalty.n AS n, loyalty.flagged AS flagged,
    1 - loyalty.flagged / nullIf(loyalty.n, 0) AS validity_rate,
    loyalty.n_nps AS n_nps,
    100 * (loyalty.promoters - loyalty.detractors) / nullIf(loyalty.n_nps, 0) AS nps_raw,
    if(loyalty.n_nps > 0, greatest(-100., 100 * (
        centre(loyalty.promoters, loyalty.detractors, loyalty.n_nps) - margin(loyalty.promoters, loyalty.detractors, loyalty.n_nps)
    )), NULL) AS nps_raw_low,
    if(loyalty.n_nps > 0, least(100., 100 * (
        centre(loyalty.promoters, loyalty.detractors, loyalty.n_nps) + margin(loyalty.promoters, loyalty.detractors, loyalty.n_nps)
    )), NULL) AS nps_raw_high,
    100 * (kept_promoters - kept_detractors) / nullIf(kept, 0) AS nps_excluded,
    if(kept > 0, greatest(-100., 100 * (
        centre(kept_promoters, kept_detractors, kept) - margin(kept_promoters, kept_detractors, kept)
    )), NULL) AS nps_excluded_low,
    if(kept > 0, least(100., 100 * (
        centre(kept_promoters, kept_detractors, kept) + margin(kept_promoters, kept_detractors, kept)
    )), NULL) AS nps_excluded_high,
    100 * (kept_promoters - (kept_detractors + loyalty.flagged_nps)) / nullIf(loyalty.n_nps, 0) AS nps_bound_low
FROM cell_units AS unit FINAL
GLOBAL LEFT JOIN (
    SELECT
        unit_id,
        sum(cell.n) AS n,
        sum(cell.flagged) AS flagged,
        sumIf(cell.n, metric = 'nps') AS n_nps,
        sumIf(cell.flagged, metric = 'nps') AS flagged_nps,
        sum(cell.promoters) AS promoters,
        sum(cell.detractors) AS detractors,
        sum(cell.flagged_promoters) AS flagged_promoters,
        sum(cell.flagged_detractors) AS flagged_detractors
    FROM loyalty_sums AS cell
    GROUP BY unit_id
) AS loyalty ON unit.unit_id = loyalty.unit_id
SETTINGS join_use_nulls = 0
COMMENT 'What is to be thought of the answers of each unit, with its scores raw, without the flagged responses, and at worst.';

CREATE OR REPLACE VIEW integrity_progress${on_cluster}
(
    `partition` UInt32 COMMENT 'Partition of the signals.',
    `judged` Nullable(Date32) COMMENT 'The newest local day whose answers were judged; NULL: none yet.',
    `closed` Nullable(Date32) COMMENT 'The newest local day that nothing will change any more; NULL: none yet.',
    `up_to_date` Bool COMMENT 'All that was there to read has been judged.'
)
AS SELECT partition, judged, closed, up_to_date
FROM cell_judged FINAL
COMMENT 'How far units have been judged, a row per partition of the signals.';

CREATE OR REPLACE VIEW false_discoveries${on_cluster}
(
    `detector` LowCardinality(String) COMMENT 'What sounded.',
    `findings` UInt64 COMMENT 'Its findings.',
    `confirmed` UInt64 COMMENT 'Those that people confirmed.',
    `dismissed` UInt64 COMMENT 'Those that people dismissed.',
    `undecided` UInt64 COMMENT 'Those that nobody has decided about.',
    `false_discovery_rate` Nullable(Float64) COMMENT 'dismissed / (confirmed + dismissed). NULL where nothing was decided.',
    `false_discovery_rate_low` Nullable(Float64) COMMENT 'Lower end of its interval (Wilson, 95 %).',
    `false_discovery_rate_high` Nullable(Float64) COMMENT 'Upper end of its interval (Wilson, 95 %).'
)
AS WITH 1.959963984540054 AS z, confirmed + dismissed AS decided, nullIf(decided, 0) AS n, dismissed / n AS rate
SELECT
    detector,
    count() AS findings,
    countIf(decision = 'confirmed') AS confirmed,
    countIf(decision = 'dismissed') AS dismissed,
    countIf(decision = '') AS undecided,
    rate AS false_discovery_rate,
    (rate + z * z / (2 * n) - z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) / (1 + z * z / n) AS false_discovery_rate_low,
    (rate + z * z / (2 * n) + z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))) / (1 + z * z / n) AS false_discovery_rate_high
FROM standing_findings
GROUP BY detector
COMMENT 'How often each detector was wrong, by what people decided. Rates cannot be summed: of several detectors sum confirmed and dismissed.';
