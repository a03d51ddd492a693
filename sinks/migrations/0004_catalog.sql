CREATE TABLE IF NOT EXISTS timezone${on_cluster}
(
    `timezone` String COMMENT 'IANA name.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY timezone
COMMENT 'The zone whose local dates are the days of all numbers: one row.';

CREATE TABLE IF NOT EXISTS base_currency${on_cluster}
(
    `base_currency` String COMMENT 'ISO 4217.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY base_currency
COMMENT 'The currency in which money is added up: one row.';

CREATE TABLE IF NOT EXISTS fx_rates${on_cluster}
(
    `currency` String COMMENT 'ISO 4217.',
    `rate` Float64 COMMENT 'Price of 1 unit in the base currency; amounts are converted with the exact decimal of the catalog.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY currency
COMMENT 'Prices of currencies in the base currency, itself included.';

CREATE TABLE IF NOT EXISTS surveys${on_cluster}
(
    `survey_id` String COMMENT 'The survey.',
    `programme` Nullable(String) COMMENT 'The programme that it belongs to; NULL: the survey itself.',
    `owner` Nullable(String) COMMENT 'Who answers for it.',
    `action_rule` Tuple(classes Array(String), within_hours Float64) COMMENT 'Which classes of responses must be followed up, and within how many hours.',
    `drivers` Array(Tuple(name String, target Nullable(Float64), cost Float64)) COMMENT 'Driver questions: target (NULL: top of the scale) and relative cost of one point more.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY survey_id
COMMENT 'Surveys and their follow-up plans.';

CREATE TABLE IF NOT EXISTS units${on_cluster}
(
    `unit_id` String COMMENT 'The unit.',
    `peer_group` Nullable(String) COMMENT 'Units that it can be compared with.',
    `region` Nullable(String) COMMENT 'Where it is.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY unit_id
COMMENT 'Locations, teams and sellers that are rated.';

CREATE TABLE IF NOT EXISTS incentive_plans${on_cluster}
(
    `plan_id` String COMMENT 'The plan.',
    `units` Array(String) COMMENT 'Units whose people it pays.',
    `period` Nullable(String) COMMENT 'The period that it pays for.',
    `payout_rule` Nullable(String) COMMENT 'How scores become money, as JSON.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY plan_id
COMMENT 'Money that depends on scores.';

CREATE TABLE IF NOT EXISTS kpis${on_cluster}
(
    `kpi_id` String COMMENT 'The measure.',
    `orientation` LowCardinality(String) COMMENT 'Whom it serves: customer or company.',
    `weight` Float64 COMMENT 'Weight on the scorecard.',
    `payout_share` Float64 COMMENT 'Share of variable pay that depends on it, 0 to 1.',
    `ritual` Nullable(String) COMMENT 'The ritual in which it is looked at.',
    `scorecard` String COMMENT 'The scorecard that it stands on.',
    `measure` Nullable(String) COMMENT 'A measure of operations, or the metric of responses, that it is computed from; NULL: that of its own name.',
    `better` LowCardinality(String) COMMENT 'Which values are better: higher or lower.',
    `spoke` Nullable(String) COMMENT 'The part of the company that it belongs to: finance, operations or employee; NULL: none.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY kpi_id
COMMENT 'Measures on scorecards.';

CREATE TABLE IF NOT EXISTS rituals${on_cluster}
(
    `ritual_id` String COMMENT 'The ritual.',
    `kind` LowCardinality(String) COMMENT 'What it decides about: promotion, raise, bonus, hiring, budget, recognition or other.',
    `criteria` Array(String) COMMENT 'What is looked at: a kpi_id, the objective of an outcome, or anything else in words.',
    `money_decided` Nullable(Float64) COMMENT 'Money that it decides about, in the base currency.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY ritual_id
COMMENT 'Recurring decisions about people or money.';

CREATE TABLE IF NOT EXISTS sla_policies${on_cluster}
(
    `trigger` String COMMENT 'What started the case.',
    `hours` Float64 COMMENT 'Hours until contact is due.',
    `business_calendar` Nullable(String) COMMENT 'Hours that count, as JSON; NULL: all.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY trigger
COMMENT 'How fast follow-up cases must reach the customer.';

CREATE TABLE IF NOT EXISTS products${on_cluster}
(
    `product_id` String COMMENT 'The product.',
    `consumable` Bool COMMENT 'Used up, so never owned.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY product_id
COMMENT 'Products of the catalog.';

CREATE TABLE IF NOT EXISTS catalog_settings${on_cluster}
(
    `name` String COMMENT 'The setting.',
    `value` String COMMENT 'Its value, as JSON.',
    `version` UInt64 COMMENT 'When the catalog was written, in milliseconds since 1970; older rows are taken away.',
    `inserted_at` DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When the row reached ClickHouse (UTC); later copies replace earlier ones.'
)
ENGINE = ${replacing_everywhere}(version)
ORDER BY name
COMMENT 'Settings of the catalog that are no lists: detectors, grades, induced_discount, loyalty_matrix, margin.';
