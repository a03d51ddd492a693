-- What BI reads: one row per thing, newest copy alone. FINAL is inside; asking for it once more does no harm.

CREATE OR REPLACE VIEW standing_findings${on_cluster}
(
    `finding_id` String COMMENT 'Unit, plan or fleet, detector and the day on which it was raised.',
    `unit_id` String COMMENT 'The unit; empty where it is about a plan or the fleet.',
    `plan_id` String COMMENT 'The incentive plan; empty where it is about a unit or the fleet.',
    `detector` LowCardinality(String) COMMENT 'What sounded.',
    `since` Date32 COMMENT 'The day on which the gaming most likely began.',
    `raised_on` Date32 COMMENT 'The local day whose answers raised it.',
    `sounded_on` Date32 COMMENT 'The newest day on which it sounded.',
    `found` Float64 COMMENT 'What was counted from since to raised_on.',
    `at_most` Float64 COMMENT 'How many would have been usual, at most.',
    `state` String COMMENT 'suspect, investigate, or clear where somebody dismissed it.',
    `decision` String COMMENT 'What people decided: confirmed, dismissed; empty: nothing yet.',
    `decided_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When (UTC).',
    `decided_by` String COMMENT 'Who.',
    `decision_reason` String COMMENT 'Why.'
)
AS WITH
    decided AS (
        SELECT
            finding_id,
            argMax(tuple(toString(decision), reason, decided_by), (occurred_at, event_id)) AS newest,
            max(occurred_at) AS decided_at
        FROM fact_adjudications FINAL
        GROUP BY finding_id
    ),
    known AS (
        SELECT
            cell.finding_id AS finding_id, cell.unit_id AS unit_id, cell.plan_id AS plan_id, cell.plan_units AS plan_units,
            cell.detector AS detector, toString(cell.family) AS family, cell.since AS since, cell.raised_on AS raised_on,
            cell.sounded_on AS sounded_on, cell.found AS found, cell.at_most AS at_most,
            decided.newest.1 AS decision, decided.newest.2 AS decision_reason, decided.newest.3 AS decided_by, decided.decided_at AS decided_at
        FROM cell_findings AS cell FINAL
        GLOBAL LEFT JOIN decided ON cell.finding_id = decided.finding_id
        WHERE cell.standing
    ),
    upheld AS (
        SELECT finding_id, family, raised_on, sounded_on, arrayJoin(if(plan_id = '', [unit_id], plan_units)) AS unit
        FROM known
        WHERE decision != 'dismissed'
    ),
    agreeing AS (
        SELECT DISTINCT one.finding_id AS finding_id
        FROM upheld AS one
        GLOBAL INNER JOIN upheld AS other ON one.unit = other.unit
        WHERE one.family != other.family AND other.raised_on < one.sounded_on + 60 AND one.raised_on < other.sounded_on + 60
    )
SELECT
    finding_id, unit_id, plan_id, detector, since, raised_on, sounded_on, found, at_most,
    multiIf(
        decision = 'dismissed', 'clear',
        decision = 'confirmed' OR finding_id GLOBAL IN (SELECT finding_id FROM agreeing), 'suspect',
        'investigate'
    ) AS state,
    decision, if(decision = '', NULL, decided_at) AS decided_at, decided_by, decision_reason
FROM known
SETTINGS join_use_nulls = 0
COMMENT 'Findings that later events did not undo, and what people decided about them. Read findings.';

CREATE OR REPLACE VIEW standing_flags${on_cluster}
(
    `of_account` String COMMENT 'The account.',
    `of_response` String COMMENT 'The response.',
    `of_unit` String COMMENT 'The unit that it rates.',
    `reasons` Array(String) COMMENT 'Names of the detectors whose flags stand.',
    `weight` Float64 COMMENT 'Of the answers that carried the sign when the finding was raised, the share above what is usual at most; of several reasons the greatest.'
)
AS WITH
    signed AS (
        SELECT account_id, response_id, unit_id, day, arrayJoin(arrayDistinct(arrayConcat(flags, signs))) AS detector, has(flags, detector) AS is_flag
        FROM cell_signs FINAL
        WHERE notEmpty(flags) OR unit_id GLOBAL IN (SELECT unit_id FROM standing_findings WHERE decision = 'confirmed')
    )
SELECT
    signed.account_id AS of_account, signed.response_id AS of_response, signed.unit_id AS of_unit,
    arraySort(groupUniqArray(signed.detector)) AS reasons,
    max(if(finding.found > finding.at_most, 1 - finding.at_most / finding.found, 0)) AS weight
FROM signed
GLOBAL INNER JOIN (
    SELECT unit_id, toString(detector) AS detector, since, sounded_on, decision, found, at_most
    FROM standing_findings
    WHERE plan_id = '' AND state = 'suspect'
) AS finding ON signed.unit_id = finding.unit_id AND signed.detector = finding.detector
WHERE signed.day >= finding.since
    AND ((signed.is_flag AND signed.day < finding.sounded_on + 60) OR (finding.decision = 'confirmed' AND signed.day <= finding.sounded_on))
GROUP BY signed.account_id, signed.response_id, signed.unit_id
SETTINGS join_use_nulls = 0
COMMENT 'Flags on responses, whether they count or not; a revision that comes in time takes those of the one before it away, a later one inherits them. Read flagged_responses.';

CREATE OR REPLACE VIEW responses${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `response_id` String COMMENT 'Identity of the response within its account.',
    `revision` Int64 COMMENT 'The highest revision counts; 0 where only a withdrawal is known.',
    `survey_id` String COMMENT 'The survey that was answered.',
    `invitation_id` Nullable(String) COMMENT 'The invitation that it answers.',
    `transaction_id` Nullable(String) COMMENT 'The transaction that it is about.',
    `metric` LowCardinality(Nullable(String)) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `score` Nullable(Float64) COMMENT 'As given, on scale_min..scale_max; NULL once withdrawn.',
    `scale_min` Nullable(Float64) COMMENT 'Lowest possible score.',
    `scale_max` Nullable(Float64) COMMENT 'Highest possible score.',
    `score_mapped` Nullable(Float64) COMMENT 'Score mapped linearly to the metric\'s default scale: nps 0..10, csat 1..5, ces 1..7, rating 1..5.',
    `class` LowCardinality(Nullable(String)) COMMENT 'Of nps: promoter (mapped >= 9), passive (>= 7) or detractor; NULL for other metrics.',
    `top_box` Nullable(Bool) COMMENT 'The mapped score is the top of its scale.',
    `top_two_box` Nullable(Bool) COMMENT 'Mapped score >= 4 of 5 (csat, rating), >= 6 of 7 (ces), >= 9 of 10 (nps).',
    `answers` Map(String, Float64) COMMENT 'Driver questions and their answers; empty once withdrawn.',
    `expected_score` Nullable(Float64) COMMENT 'What the customer expected, on the same scale.',
    `competitor_scores` Array(Float64) COMMENT 'Scores of competitors, on the same scale.',
    `asked_for_score` Nullable(Bool) COMMENT 'Answer to: did anyone ask you for a particular score?',
    `told_about_action` Nullable(Bool) COMMENT 'Answer to: were you told what was done about earlier feedback?',
    `comment` Nullable(String) COMMENT 'The customer\'s words; NULL once withdrawn.',
    `language` Nullable(String) COMMENT 'Language of the comment.',
    `landed_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When the form was opened (UTC).',
    `duration_ms` Nullable(Int64) COMMENT 'Milliseconds spent answering.',
    `device_hash` Nullable(String) COMMENT 'Keyed hash of the device, made by the producer.',
    `ip_prefix_hash` Nullable(String) COMMENT 'Keyed hash of the network prefix, made by the producer.',
    `contact_hash` Nullable(String) COMMENT 'Keyed hash of the contact address, made by the producer.',
    `contact_class` LowCardinality(String) COMMENT 'Kind of contact address.',
    `withdrawn` Bool COMMENT 'The customer took the response back; it counts nowhere.',
    `flagged` Bool COMMENT 'At least one standing flag: a detector found its unit suspect, and the response carries the sign and a score that gaming is after, or somebody confirmed the finding.',
    `flag_reasons` Array(String) COMMENT 'Names of the detectors whose flags stand.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.response_id,
    fact.revision,
    fact.survey_id,
    fact.invitation_id,
    fact.transaction_id,
    fact.metric,
    if(withdrawn, NULL, fact.score) AS score,
    fact.scale_min,
    fact.scale_max,
    if(withdrawn, NULL, fact.score_mapped) AS score_mapped,
    if(withdrawn, NULL, fact.class) AS class,
    if(withdrawn, NULL, fact.top_box) AS top_box,
    if(withdrawn, NULL, fact.top_two_box) AS top_two_box,
    if(withdrawn, CAST(map(), 'Map(String, Float64)'), fact.answers) AS answers,
    if(withdrawn, NULL, fact.expected_score) AS expected_score,
    if(withdrawn, emptyArrayFloat64(), fact.competitor_scores) AS competitor_scores,
    fact.asked_for_score,
    fact.told_about_action,
    if(withdrawn, NULL, fact.comment) AS comment,
    fact.language,
    fact.landed_at,
    fact.duration_ms,
    fact.device_hash,
    fact.ip_prefix_hash,
    fact.contact_hash,
    fact.contact_class,
    (fact.withdrawn OR (fact.account_id, fact.response_id) GLOBAL IN (
        SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic
    )) AS withdrawn,
    CAST(notEmpty(flag.reasons), 'Bool') AS flagged,
    flag.reasons AS flag_reasons,
    fact.source_partition,
    fact.source_offset
FROM fact_responses AS fact FINAL
GLOBAL ANY LEFT JOIN standing_flags AS flag
    ON fact.account_id = flag.of_account AND fact.response_id = flag.of_response AND fact.unit_id = flag.of_unit
SETTINGS join_use_nulls = 0
COMMENT 'Survey responses, reviews and ratings: the newest revision of each.';

CREATE OR REPLACE VIEW transactions${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `transaction_id` String COMMENT 'Identity of this movement of money within its account.',
    `original_transaction_id` Nullable(String) COMMENT 'Of a refund: the purchase that it gives back.',
    `amount` Decimal(18, 4) COMMENT 'What was paid or given back, after discount, in currency; never negative.',
    `currency` LowCardinality(String) COMMENT 'ISO 4217.',
    `amount_base` Decimal(18, 4) COMMENT 'amount in the catalog\'s base currency, rounded half-even to 4 decimals.',
    `discount` Decimal(18, 4) COMMENT 'Discount, in currency.',
    `discount_base` Decimal(18, 4) COMMENT 'Discount in the base currency.',
    `cost` Nullable(Decimal(18, 4)) COMMENT 'What it cost us, in currency; NULL: not known.',
    `cost_base` Nullable(Decimal(18, 4)) COMMENT 'Cost in the base currency.',
    `product_ids` Array(String) COMMENT 'Product of each line.',
    `product_quantities` Array(Float64) COMMENT 'Quantity of each line.',
    `product_amounts` Array(Nullable(Decimal(18, 4))) COMMENT 'Amount of each line, in currency.',
    `product_consumable` Array(Bool) COMMENT 'Whether the line or the catalog says that the product is used up.',
    `is_new_customer` Nullable(Bool) COMMENT 'As the producer said; NULL: not said.',
    `acquisition_reason` LowCardinality(String) COMMENT 'Why the customer came.',
    `referrer_account_id` Nullable(String) COMMENT 'The account that referred this one.',
    `recurring` Bool COMMENT 'A recurring charge.',
    `risk_flags` Array(String) COMMENT 'Signs of trouble, for example long_wait or complaint.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.transaction_id,
    fact.original_transaction_id,
    fact.amount,
    fact.currency,
    fact.amount_base,
    fact.discount,
    fact.discount_base,
    fact.cost,
    fact.cost_base,
    fact.product_ids,
    fact.product_quantities,
    fact.product_amounts,
    fact.product_consumable,
    fact.is_new_customer,
    fact.acquisition_reason,
    fact.referrer_account_id,
    fact.recurring,
    fact.risk_flags,
    fact.source_partition,
    fact.source_offset
FROM fact_transactions AS fact FINAL
COMMENT 'Purchases and refunds.';

CREATE OR REPLACE VIEW invitations${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `invitation_id` String COMMENT 'The chance to ask.',
    `transaction_id` Nullable(String) COMMENT 'The transaction that it is about.',
    `survey_id` Nullable(String) COMMENT 'The survey.',
    `inclusion_probability` Nullable(Float64) COMMENT 'Probability of being sampled, in (0, 1].',
    `suppression_reason` LowCardinality(Nullable(String)) COMMENT 'Why it was not used.',
    `suppressed_by` Nullable(String) COMMENT 'Who suppressed it.',
    `contact_hash` Nullable(String) COMMENT 'Keyed hash of the contact address.',
    `contact_class` LowCardinality(String) COMMENT 'Kind of contact address.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.invitation_id,
    fact.transaction_id,
    fact.survey_id,
    fact.inclusion_probability,
    fact.suppression_reason,
    fact.suppressed_by,
    fact.contact_hash,
    fact.contact_class,
    fact.source_partition,
    fact.source_offset
FROM fact_invitations AS fact FINAL
COMMENT 'What happened to each chance to ask, a row per step.';

CREATE OR REPLACE VIEW communications${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `message_id` String COMMENT 'Identity of the message within its account.',
    `campaign_id` Nullable(String) COMMENT 'The campaign.',
    `purpose` LowCardinality(String) COMMENT 'What the message was for.',
    `offer_product_ids` Array(String) COMMENT 'Products offered.',
    `response_ids` Array(String) COMMENT 'The feedback that it answers.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.message_id,
    fact.campaign_id,
    fact.purpose,
    fact.offer_product_ids,
    fact.response_ids,
    fact.source_partition,
    fact.source_offset
FROM fact_communications AS fact FINAL
COMMENT 'Messages sent to customers.';

CREATE OR REPLACE VIEW cases${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `case_id` String COMMENT 'The case.',
    `response_id` Nullable(String) COMMENT 'The response that it follows up.',
    `trigger` LowCardinality(Nullable(String)) COMMENT 'What started it.',
    `owner_id` Nullable(String) COMMENT 'Who owns it.',
    `due_at` Nullable(DateTime64(6, 'UTC')) COMMENT 'When contact is due (UTC).',
    `cause_code` Nullable(String) COMMENT 'What went wrong.',
    `resolution_code` Nullable(String) COMMENT 'How it was solved.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.case_id,
    fact.response_id,
    fact.trigger,
    fact.owner_id,
    fact.due_at,
    fact.cause_code,
    fact.resolution_code,
    fact.source_partition,
    fact.source_offset
FROM fact_cases AS fact FINAL
COMMENT 'Follow-up cases, a row per step.';

CREATE OR REPLACE VIEW outcomes${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `outcome_id` String COMMENT 'The outcome.',
    `objective_id` String COMMENT 'The objective that it measures.',
    `baseline` Float64 COMMENT 'Value at the start.',
    `target` Float64 COMMENT 'Value aimed at.',
    `current` Float64 COMMENT 'Value now.',
    `weight` Float64 COMMENT 'Weight among the account\'s outcomes.',
    `value_amount` Nullable(Decimal(18, 4)) COMMENT 'Money value that the customer got, in currency.',
    `value_amount_base` Nullable(Decimal(18, 4)) COMMENT 'The same in the base currency.',
    `claimed_amount` Nullable(Decimal(18, 4)) COMMENT 'Money value that was promised, in currency.',
    `claimed_amount_base` Nullable(Decimal(18, 4)) COMMENT 'The same in the base currency.',
    `currency` LowCardinality(Nullable(String)) COMMENT 'ISO 4217.',
    `attested_by` LowCardinality(String) COMMENT 'Who vouches for it.',
    `evidence_uri` Nullable(String) COMMENT 'Where the evidence is.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.outcome_id,
    fact.objective_id,
    fact.baseline,
    fact.target,
    fact.current,
    fact.weight,
    fact.value_amount,
    fact.value_amount_base,
    fact.claimed_amount,
    fact.claimed_amount_base,
    fact.currency,
    fact.attested_by,
    fact.evidence_uri,
    fact.source_partition,
    fact.source_offset
FROM fact_outcomes AS fact FINAL
COMMENT 'Value that customers got, a row per measurement; of one outcome the newest occurred_at counts.';

CREATE OR REPLACE VIEW operations${on_cluster}
(
    `account_id` String COMMENT 'The account, as the producer names it; also the Kafka key.',
    `event_id` String COMMENT 'Identity of the event within its topic and account.',
    `event_type` LowCardinality(String) COMMENT 'What happened.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it happened to the customer (UTC).',
    `received_at` DateTime64(6, 'UTC') COMMENT 'When it reached the edge (UTC); the record\'s Kafka timestamp where the event did not say.',
    `day` Date32 COMMENT 'Local date of occurred_at in the catalog\'s timezone.',
    `customer_id` Nullable(String) COMMENT 'The person, where an account has several.',
    `unit_id` Nullable(String) COMMENT 'Location, team or seller.',
    `agent_id` Nullable(String) COMMENT 'The employee.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `synthetic` Bool COMMENT 'True: test traffic, kept as a fact and counted nowhere.',
    `observation_id` String COMMENT 'Identity of the measurement within its account.',
    `measure` LowCardinality(String) COMMENT 'What was measured.',
    `value` Float64 COMMENT 'The measured value, in the measure\'s own unit.',
    `transaction_id` Nullable(String) COMMENT 'The transaction that it belongs to.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.account_id,
    fact.event_id,
    fact.event_type,
    fact.occurred_at,
    fact.received_at,
    fact.day,
    fact.customer_id,
    fact.unit_id,
    fact.agent_id,
    fact.channel,
    fact.synthetic,
    fact.observation_id,
    fact.measure,
    fact.value,
    fact.transaction_id,
    fact.source_partition,
    fact.source_offset
FROM fact_operations AS fact FINAL
COMMENT 'Operational measurements.';

CREATE OR REPLACE VIEW dead_letters${on_cluster}
(
    `topic` LowCardinality(String) COMMENT 'Input topic, without the prefix.',
    `partition` UInt32 COMMENT 'Source partition.',
    `offset` Int64 COMMENT 'Source offset.',
    `timestamp` DateTime64(6, 'UTC') COMMENT 'Timestamp of the record (UTC).',
    `stage` LowCardinality(String) COMMENT 'The stage that refused it.',
    `reason` LowCardinality(String) COMMENT 'Why; see the documentation of dead letters.',
    `field` Nullable(String) COMMENT 'The field at fault, where one is.',
    `message` String COMMENT 'What was wrong and what was expected.',
    `key` Nullable(String) COMMENT 'Key of the record, its bytes unchanged.',
    `value` Nullable(String) COMMENT 'Value of the record, its bytes unchanged.',
    `header_names` Array(String) COMMENT 'Names of the record\'s headers, in order.',
    `header_values` Array(Nullable(String)) COMMENT 'Values of the record\'s headers, in order, their bytes unchanged; NULL where there is none.'
)
AS SELECT
    fact.topic,
    fact.partition,
    fact.offset,
    fact.timestamp,
    fact.stage,
    fact.reason,
    fact.field,
    fact.message,
    fact.key,
    fact.value,
    fact.header_names,
    fact.header_values
FROM fact_dead_letters AS fact FINAL
COMMENT 'Records that could not be used, byte for byte.';

CREATE OR REPLACE VIEW adjudications${on_cluster}
(
    `finding_id` String COMMENT 'The finding.',
    `unit_id` Nullable(String) COMMENT 'Its unit; NULL where it is about an incentive plan or the fleet.',
    `plan_id` Nullable(String) COMMENT 'Its incentive plan; NULL where it is about a unit or the fleet.',
    `decision` LowCardinality(String) COMMENT 'confirmed: it is gaming; dismissed: it is not.',
    `reason` String COMMENT 'Why.',
    `decided_by` String COMMENT 'Who decided.',
    `occurred_at` DateTime64(6, 'UTC') COMMENT 'When it was decided (UTC).',
    `event_id` String COMMENT 'Identity of the event.',
    `judged_until` Nullable(Date32) COMMENT 'The newest local day that had been judged by then, as the event says.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.'
)
AS SELECT
    fact.finding_id,
    fact.unit_id,
    fact.plan_id,
    fact.decision,
    fact.reason,
    fact.decided_by,
    fact.occurred_at,
    fact.event_id,
    fact.judged_until,
    fact.source_partition,
    fact.source_offset
FROM fact_adjudications AS fact FINAL
COMMENT 'What people decided about findings, kept for ever; of one finding the newest occurred_at counts (tie: the greater event_id).';

-- What is read beside the cells are views of 0007: ClickHouse looks for them when this one is read, not when it is made.
CREATE OR REPLACE VIEW account_profiles${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `first_seen` DateTime64(6, 'UTC') COMMENT 'Least occurred_at of its events (UTC).',
    `last_seen` DateTime64(6, 'UTC') COMMENT 'Greatest occurred_at of its events (UTC).',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded, in the base currency.',
    `refunds` Decimal(38, 4) COMMENT 'Refunded, in the base currency; positive.',
    `transactions` Int64 COMMENT 'Completed transactions.',
    `products_owned` Int64 COMMENT 'Distinct products bought and not given back; consumables left out.',
    `last_score` Nullable(Float64) COMMENT 'Mapped score of the newest counted nps response.',
    `responses` Int64 COMMENT 'Counted responses of any metric.',
    `open_cases` Int64 COMMENT 'Follow-up cases that are open after all events.',
    `messages` Int64 COMMENT 'Messages sent to the account.',
    `vdi` Nullable(Float64) COMMENT 'Value delivered index, 0 to 1: weighted progress of its outcomes from baseline to target, whoever vouches for them. NULL without outcomes; value_delivered has the parts.',
    `feeling` Nullable(Float64) COMMENT 'The newest counted response of any metric, mapped to 0..1. NULL without responses.',
    `customer_focus_index` Nullable(Float64) COMMENT 'Geometric mean of vdi and feeling, 0 to 1. NULL where either is.',
    `quadrant` LowCardinality(Nullable(String)) COMMENT 'thriving (vdi and feeling high), served_not_loved (vdi alone), loved_not_served (feeling alone) or at_risk (neither); high is at least the cuts of the catalog\'s loyalty_matrix, 0.5 by default. NULL where either is.',
    `probability_alive` Nullable(Float64) COMMENT 'Probability, 0 to 1, that the account still buys, from the last run of candor fit; 1 by the model for whoever bought on one day only, whom it cannot see leave: read expected_purchases too. NULL where it has not bought, or nothing was fitted.',
    `expected_purchases` Nullable(Float64) COMMENT 'Days with a purchase expected in the next 52 weeks.',
    `lifetime_value` Nullable(Float64) COMMENT 'Margin expected of the next 52 weeks, discounted at 10 % a year, in the base currency; NULL where spend could not be fitted.',
    `loyalty_segment` LowCardinality(Nullable(String)) COMMENT 'truly_loyal (feels well, alive), accessible (feels well, not alive), trapped (feels ill, alive) or high_risk; whoever bought on one day only is alive by the model; cut where the catalog\'s loyalty_matrix says, feeling 0.7 and probability 0.5 by default. NULL where one of both is not known.',
    `next_action` LowCardinality(Nullable(String)) COMMENT 'close_case while one is open; else recover (high_risk), fix_cause (trapped; see worst_driver of account_segments), show_value (accessible), ask_referral (truly_loyal). Without segment and open case NULL.',
    `suppress_selling` Bool COMMENT 'A case of the account is open, whatever started it: nothing should be sold to it until the case has ended. attention_errors counts offers that were made nevertheless.',
    `run_id` Nullable(String) COMMENT 'The run of candor fit that probability_alive, expected_purchases and lifetime_value are of; model_runs says more of it. NULL where it tells nothing of the account.'
)
AS WITH
    -- Shares of scales are of decimal numbers: what is equal on paper must be equal here.
    ifNull((SELECT any(JSONExtract(value, 'feeling_cut', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.5) - 1e-9 AS feeling_cut,
    ifNull((SELECT any(JSONExtract(value, 'value_cut', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.5) - 1e-9 AS value_cut,
    ifNull((SELECT any(JSONExtract(value, 'attitude', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.7) - 1e-9 AS least_feeling,
    ifNull((SELECT any(JSONExtract(value, 'behaviour', 'Nullable(Float64)')) FROM catalog_settings FINAL WHERE name = 'loyalty_matrix'), 0.5) AS least_alive,
    felt AS (
        SELECT account_id, toNullable(argMax((score - scale_min) / (scale_max - scale_min), (occurred_at, response_id))) AS feeling
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
        GROUP BY account_id
    )
SELECT
    cell.account_id AS account_id,
    cell.first_seen AS first_seen,
    cell.last_seen AS last_seen,
    cell.revenue AS revenue,
    cell.refunds AS refunds,
    cell.transactions AS transactions,
    cell.products_owned AS products_owned,
    cell.last_score AS last_score,
    cell.responses AS responses,
    cell.open_cases AS open_cases,
    cell.messages AS messages,
    got.vdi AS vdi,
    felt.feeling AS feeling,
    sqrt(got.vdi * felt.feeling) AS customer_focus_index,
    multiIf(
        got.vdi IS NULL OR felt.feeling IS NULL, NULL,
        got.vdi >= value_cut AND felt.feeling >= feeling_cut, 'thriving',
        got.vdi >= value_cut, 'served_not_loved',
        felt.feeling >= feeling_cut, 'loved_not_served',
        'at_risk'
    ) AS quadrant,
    fitted.probability_alive AS probability_alive,
    fitted.expected_purchases AS expected_purchases,
    fitted.lifetime_value AS lifetime_value,
    multiIf(
        felt.feeling IS NULL OR fitted.probability_alive IS NULL, NULL,
        felt.feeling >= least_feeling AND fitted.probability_alive >= least_alive, 'truly_loyal',
        felt.feeling >= least_feeling, 'accessible',
        fitted.probability_alive >= least_alive, 'trapped',
        'high_risk'
    ) AS loyalty_segment,
    multiIf(
        cell.open_cases > 0, 'close_case',
        loyalty_segment = 'high_risk', 'recover',
        loyalty_segment = 'trapped', 'fix_cause',
        loyalty_segment = 'accessible', 'show_value',
        loyalty_segment = 'truly_loyal', 'ask_referral',
        NULL
    ) AS next_action,
    CAST(cell.open_cases > 0, 'Bool') AS suppress_selling,
    if(fitted.probability_alive IS NULL, NULL, (SELECT argMax(run.run_id, run.version) FROM fit_runs AS run)) AS run_id
FROM cell_accounts AS cell FINAL
GLOBAL LEFT JOIN (SELECT account_id, toNullable(vdi) AS vdi FROM value_delivered) AS got ON cell.account_id = got.account_id
GLOBAL LEFT JOIN felt ON cell.account_id = felt.account_id
GLOBAL LEFT JOIN (
    SELECT account_id, toNullable(probability_alive) AS probability_alive, toNullable(expected_purchases) AS expected_purchases, lifetime_value
    FROM account_predictions
) AS fitted ON cell.account_id = fitted.account_id
SETTINGS join_use_nulls = 0
COMMENT 'What is known of each account, but for what its messages offered: accounts has that, too, and takes several times as long to read.';

CREATE OR REPLACE VIEW accounts${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `first_seen` DateTime64(6, 'UTC') COMMENT 'Least occurred_at of its events (UTC).',
    `last_seen` DateTime64(6, 'UTC') COMMENT 'Greatest occurred_at of its events (UTC).',
    `revenue` Decimal(38, 4) COMMENT 'Completed minus refunded, in the base currency.',
    `refunds` Decimal(38, 4) COMMENT 'Refunded, in the base currency; positive.',
    `transactions` Int64 COMMENT 'Completed transactions.',
    `products_owned` Int64 COMMENT 'Distinct products bought and not given back; consumables left out.',
    `last_score` Nullable(Float64) COMMENT 'Mapped score of the newest counted nps response.',
    `responses` Int64 COMMENT 'Counted responses of any metric.',
    `open_cases` Int64 COMMENT 'Follow-up cases that are open after all events.',
    `messages` Int64 COMMENT 'Messages sent to the account.',
    `vdi` Nullable(Float64) COMMENT 'Value delivered index, 0 to 1: weighted progress of its outcomes from baseline to target, whoever vouches for them. NULL without outcomes; value_delivered has the parts.',
    `feeling` Nullable(Float64) COMMENT 'The newest counted response of any metric, mapped to 0..1. NULL without responses.',
    `customer_focus_index` Nullable(Float64) COMMENT 'Geometric mean of vdi and feeling, 0 to 1. NULL where either is.',
    `quadrant` LowCardinality(Nullable(String)) COMMENT 'thriving (vdi and feeling high), served_not_loved (vdi alone), loved_not_served (feeling alone) or at_risk (neither); high is at least the cuts of the catalog\'s loyalty_matrix, 0.5 by default. NULL where either is.',
    `value_share` Nullable(Float64) COMMENT 'Of its messages that sell or teach value, the share that teaches value, over the 12 months up to the newest message of all. NULL without either.',
    `owned_offer_rate` Nullable(Float64) COMMENT 'Of all offers made to it, the share that it owned just before the message. NULL without offers.',
    `probability_alive` Nullable(Float64) COMMENT 'Probability, 0 to 1, that the account still buys, from the last run of candor fit; 1 by the model for whoever bought on one day only, whom it cannot see leave: read expected_purchases too. NULL where it has not bought, or nothing was fitted.',
    `expected_purchases` Nullable(Float64) COMMENT 'Days with a purchase expected in the next 52 weeks.',
    `lifetime_value` Nullable(Float64) COMMENT 'Margin expected of the next 52 weeks, discounted at 10 % a year, in the base currency; NULL where spend could not be fitted.',
    `loyalty_segment` LowCardinality(Nullable(String)) COMMENT 'truly_loyal (feels well, alive), accessible (feels well, not alive), trapped (feels ill, alive) or high_risk; whoever bought on one day only is alive by the model; cut where the catalog\'s loyalty_matrix says, feeling 0.7 and probability 0.5 by default. NULL where one of both is not known.',
    `next_action` LowCardinality(Nullable(String)) COMMENT 'close_case while one is open; else recover (high_risk), fix_cause (trapped; see worst_driver of account_segments), show_value (accessible), ask_referral (truly_loyal). Without segment and open case NULL.',
    `suppress_selling` Bool COMMENT 'A case of the account is open, whatever started it: nothing should be sold to it until the case has ended. attention_errors counts offers that were made nevertheless.',
    `run_id` Nullable(String) COMMENT 'The run of candor fit that probability_alive, expected_purchases and lifetime_value are of; model_runs says more of it. NULL where it tells nothing of the account.'
)
AS WITH
    (SELECT addMonths(max(occurred_at), -12) FROM fact_communications FINAL WHERE NOT synthetic) AS a_year_ago,
    told AS (
        SELECT
            account_id,
            countIf(purpose = 'value_education' AND occurred_at > a_year_ago) AS value,
            countIf(purpose IN ('sell', 'upsell') AND occurred_at > a_year_ago) AS selling,
            value / nullIf(value + selling, 0) AS value_share,
            sum(owned_offers) / nullIf(sum(offers), 0) AS owned_offer_rate
        FROM message_attention
        GROUP BY account_id
    )
SELECT
    profile.account_id AS account_id,
    profile.first_seen AS first_seen,
    profile.last_seen AS last_seen,
    profile.revenue AS revenue,
    profile.refunds AS refunds,
    profile.transactions AS transactions,
    profile.products_owned AS products_owned,
    profile.last_score AS last_score,
    profile.responses AS responses,
    profile.open_cases AS open_cases,
    profile.messages AS messages,
    profile.vdi AS vdi,
    profile.feeling AS feeling,
    profile.customer_focus_index AS customer_focus_index,
    profile.quadrant AS quadrant,
    told.value_share AS value_share,
    told.owned_offer_rate AS owned_offer_rate,
    profile.probability_alive AS probability_alive,
    profile.expected_purchases AS expected_purchases,
    profile.lifetime_value AS lifetime_value,
    profile.loyalty_segment AS loyalty_segment,
    profile.next_action AS next_action,
    profile.suppress_selling AS suppress_selling,
    profile.run_id AS run_id
FROM account_profiles AS profile
GLOBAL LEFT JOIN told ON profile.account_id = told.account_id
SETTINGS join_use_nulls = 0
COMMENT 'What is known of each account.';
