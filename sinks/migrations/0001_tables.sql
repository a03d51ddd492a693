CREATE TABLE IF NOT EXISTS fact_responses${local}${on_cluster}
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
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, response_id)
SETTINGS merge_selector_base = 15
COMMENT 'Survey responses, reviews and ratings: the newest revision of each.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_responses${on_cluster} AS fact_responses${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_responses${local}', cityHash64(account_id))
COMMENT 'Survey responses, reviews and ratings: the newest revision of each.';

CREATE TABLE IF NOT EXISTS fact_withdrawals${local}${on_cluster}
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
    `response_id` String COMMENT 'The response that was taken back.',
    `survey_id` String COMMENT 'Its survey.',
    `source_partition` UInt32 COMMENT 'Kafka partition that the event came from.',
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, response_id)
SETTINGS merge_selector_base = 15
COMMENT 'Withdrawals of responses; the view responses applies them.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_withdrawals${on_cluster} AS fact_withdrawals${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_withdrawals${local}', cityHash64(account_id))
COMMENT 'Withdrawals of responses; the view responses applies them.';

CREATE TABLE IF NOT EXISTS fact_transactions${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, transaction_id)
SETTINGS merge_selector_base = 15
COMMENT 'Purchases and refunds.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_transactions${on_cluster} AS fact_transactions${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_transactions${local}', cityHash64(account_id))
COMMENT 'Purchases and refunds.';

CREATE TABLE IF NOT EXISTS fact_invitations${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, invitation_id, event_type, occurred_at)
SETTINGS merge_selector_base = 15
COMMENT 'What happened to each chance to ask, a row per step.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_invitations${on_cluster} AS fact_invitations${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_invitations${local}', cityHash64(account_id))
COMMENT 'What happened to each chance to ask, a row per step.';

CREATE TABLE IF NOT EXISTS fact_communications${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, message_id)
SETTINGS merge_selector_base = 15
COMMENT 'Messages sent to customers.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_communications${on_cluster} AS fact_communications${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_communications${local}', cityHash64(account_id))
COMMENT 'Messages sent to customers.';

CREATE TABLE IF NOT EXISTS fact_cases${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, case_id, event_type, occurred_at)
SETTINGS merge_selector_base = 15
COMMENT 'Follow-up cases, a row per step.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_cases${on_cluster} AS fact_cases${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_cases${local}', cityHash64(account_id))
COMMENT 'Follow-up cases, a row per step.';

CREATE TABLE IF NOT EXISTS fact_outcomes${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
PARTITION BY toYYYYMM(day)
ORDER BY (account_id, outcome_id, occurred_at)
SETTINGS merge_selector_base = 15
COMMENT 'Value that customers got, a row per measurement; of one outcome the newest occurred_at counts.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_outcomes${on_cluster} AS fact_outcomes${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_outcomes${local}', cityHash64(account_id))
COMMENT 'Value that customers got, a row per measurement; of one outcome the newest occurred_at counts.';

CREATE TABLE IF NOT EXISTS fact_operations${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, observation_id)
SETTINGS merge_selector_base = 15
COMMENT 'Operational measurements.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_operations${on_cluster} AS fact_operations${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_operations${local}', cityHash64(account_id))
COMMENT 'Operational measurements.';

CREATE TABLE IF NOT EXISTS fact_dead_letters${local}${on_cluster}
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
    `header_values` Array(Nullable(String)) COMMENT 'Values of the record\'s headers, in order, their bytes unchanged; NULL where there is none.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (topic, partition, offset)
SETTINGS merge_selector_base = 15
COMMENT 'Records that could not be used, byte for byte.';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_dead_letters${on_cluster} AS fact_dead_letters${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_dead_letters${local}', cityHash64(topic, partition, offset))
COMMENT 'Records that could not be used, byte for byte.';

CREATE TABLE IF NOT EXISTS fact_adjudications${local}${on_cluster}
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
    `source_offset` Int64 COMMENT 'Kafka offset of the copy that counted.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence; of one key the highest version counts.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (finding_id, occurred_at, event_id)
SETTINGS merge_selector_base = 15
COMMENT 'What people decided about findings, kept for ever; of one finding the newest occurred_at counts (tie: the greater event_id).';

-- when: sharded
CREATE TABLE IF NOT EXISTS fact_adjudications${on_cluster} AS fact_adjudications${local}
ENGINE = Distributed('${cluster}', '${database}', 'fact_adjudications${local}', cityHash64(finding_id, occurred_at, event_id))
COMMENT 'What people decided about findings, kept for ever; of one finding the newest occurred_at counts (tie: the greater event_id).';

CREATE TABLE IF NOT EXISTS cell_loyalty${local}${on_cluster}
(
    `day` Date32 COMMENT 'Local date of the response.',
    `unit_id` String COMMENT 'The unit that was rated.',
    `channel` LowCardinality(String) COMMENT 'Where the customer was met.',
    `metric` LowCardinality(String) COMMENT 'What the score measures.',
    `partition` UInt32 COMMENT 'Source partition; sum over it.',
    `generation` UInt64 COMMENT 'Sequence at which the cell was opened; sum over it.',
    `n` Int64 COMMENT 'Counted responses.',
    `promoters` Int64 COMMENT 'Promoters among them (nps).',
    `passives` Int64 COMMENT 'Passives among them (nps).',
    `detractors` Int64 COMMENT 'Detractors among them (nps).',
    `top_box` Int64 COMMENT 'Responses at the top of the scale.',
    `top_two_box` Int64 COMMENT 'csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `score_sum` Decimal(38, 9) COMMENT 'Sum of mapped scores.',
    `score_sum_squares` Decimal(38, 9) COMMENT 'Sum of squares of mapped scores.',
    `revenue` Decimal(38, 4) COMMENT 'Gross base amount of the purchases that the responses name.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (day, unit_id, channel, metric, partition, generation)
SETTINGS merge_selector_base = 15
COMMENT 'Partial sums of counted responses, a row per cell and source partition; read the loyalty views instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_loyalty${on_cluster} AS cell_loyalty${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_loyalty${local}', cityHash64(day, unit_id, channel, metric, partition, generation))
COMMENT 'Partial sums of counted responses, a row per cell and source partition; read the loyalty views instead.';

CREATE TABLE IF NOT EXISTS cell_accounts${local}${on_cluster}
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
    `partition` UInt32 COMMENT 'Source partition.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY account_id
SETTINGS merge_selector_base = 15
COMMENT 'What is known of each account.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_accounts${on_cluster} AS cell_accounts${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_accounts${local}', cityHash64(account_id))
COMMENT 'What is known of each account.';

CREATE TABLE IF NOT EXISTS cell_units${local}${on_cluster}
(
    `unit_id` String COMMENT 'The unit.',
    `state` LowCardinality(String) COMMENT 'clear, investigate (one kind of evidence) or suspect (two kinds or more), as of the newest day that was judged.',
    `families` Array(String) COMMENT 'Kinds of evidence that are active: of findings whose detector sounded within 60 days.',
    `since` Nullable(Date32) COMMENT 'The day on which the oldest active finding most likely began; NULL where the unit is clear.',
    `e_value` Float64 COMMENT 'Evidence of all detectors together: a unit where nothing is wrong reaches x once in x days or less often.',
    `judged` Date32 COMMENT 'The newest day that changed one of these.',
    `partition` UInt32 COMMENT 'Partition of the signals.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY unit_id
SETTINGS merge_selector_base = 15
COMMENT 'What is to be thought of the answers of each unit; read integrity_units instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_units${on_cluster} AS cell_units${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_units${local}', cityHash64(unit_id))
COMMENT 'What is to be thought of the answers of each unit; read integrity_units instead.';

CREATE TABLE IF NOT EXISTS cell_findings${local}${on_cluster}
(
    `finding_id` String COMMENT 'Unit, plan or fleet, detector and the day on which it was raised.',
    `unit_id` String COMMENT 'The unit; empty where it is about a plan or the fleet.',
    `plan_id` String COMMENT 'The incentive plan, all of whose units were looked at as one; empty where it is about a unit or the fleet.',
    `plan_units` Array(String) COMMENT 'Units of the plan.',
    `detector` LowCardinality(String) COMMENT 'What sounded.',
    `family` LowCardinality(String) COMMENT 'The kind of its evidence.',
    `since` Date32 COMMENT 'The day on which the gaming most likely began.',
    `raised_on` Date32 COMMENT 'The local day whose answers raised it.',
    `sounded_on` Date32 COMMENT 'The newest day on which it sounded.',
    `raised_at` DateTime64(6, 'UTC') COMMENT 'The newest occurred_at of the unit\'s answers on the day that raised it (UTC).',
    `e_value` Float64 COMMENT 'Evidence when it was raised: a unit where nothing is wrong reaches x once in x days or less often.',
    `found` Float64 COMMENT 'What was counted from since to raised_on; evidence says what.',
    `looked_at` Float64 COMMENT 'Among how many.',
    `at_most` Float64 COMMENT 'How many would have been usual, at most.',
    `evidence` String COMMENT 'The same in words.',
    `standing` Bool COMMENT 'False: later events of the same days undid it.',
    `partition` UInt32 COMMENT 'Partition of the signals.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (unit_id, plan_id, detector, raised_on)
SETTINGS merge_selector_base = 15
COMMENT 'Alarms of detectors, those that later events undid included; read findings instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_findings${on_cluster} AS cell_findings${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_findings${local}', cityHash64(unit_id, plan_id, detector, raised_on))
COMMENT 'Alarms of detectors, those that later events undid included; read findings instead.';

CREATE TABLE IF NOT EXISTS cell_signs${local}${on_cluster}
(
    `account_id` String COMMENT 'The account.',
    `response_id` String COMMENT 'The response.',
    `revision` Int64 COMMENT 'Its revision.',
    `unit_id` String COMMENT 'The unit that it rates.',
    `day` Date32 COMMENT 'Local date of the response.',
    `signs` Array(String) COMMENT 'Detectors whose sign it carries; that alone is no reproach.',
    `flags` Array(String) COMMENT 'Detectors for whose findings, at a suspect unit, it is flagged.',
    `partition` UInt32 COMMENT 'Partition of the signals.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY (account_id, response_id, revision, unit_id)
SETTINGS merge_selector_base = 15
COMMENT 'Answers that carry signs of gaming, flagged or not; read responses and findings instead.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_signs${on_cluster} AS cell_signs${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_signs${local}', cityHash64(account_id))
COMMENT 'Answers that carry signs of gaming, flagged or not; read responses and findings instead.';

CREATE TABLE IF NOT EXISTS cell_judged${local}${on_cluster}
(
    `partition` UInt32 COMMENT 'Partition of the signals.',
    `judged` Nullable(Date32) COMMENT 'The newest local day whose answers were judged; NULL: none yet.',
    `closed` Nullable(Date32) COMMENT 'The newest local day that nothing will change any more; NULL: none yet.',
    `up_to_date` Bool COMMENT 'All that was there to read has been judged.',
    `version` UInt64 COMMENT 'Owner epoch times 2^40 plus flush sequence.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing}(version)
ORDER BY partition
SETTINGS merge_selector_base = 15
COMMENT 'How far the units of each partition of the signals have been judged.';

-- when: sharded
CREATE TABLE IF NOT EXISTS cell_judged${on_cluster} AS cell_judged${local}
ENGINE = Distributed('${cluster}', '${database}', 'cell_judged${local}', cityHash64(partition))
COMMENT 'How far the units of each partition of the signals have been judged.';
