"""The SQL of a report: every query aggregates in ClickHouse, over the views that everybody reads.

Words in capitals are conditions and relations that ``reading`` puts in; all values are bound.
"""

LOYALTY_OF_SURVEY = """(
SELECT
    day, ifNull(answer.unit_id, '') AS unit_id, assumeNotNull(answer.metric) AS metric, toInt64(count()) AS n,
    toInt64(countIf(answer.class = 'promoter')) AS promoters, toInt64(countIf(answer.class = 'detractor')) AS detractors,
    toInt64(countIf(answer.top_box)) AS top_box, toInt64(countIf(answer.top_two_box)) AS top_two_box, sum(assumeNotNull(score_mapped)) AS score_sum,
    sum(pow(assumeNotNull(score_mapped), 2)) AS score_sum_squares,
    toInt64(countIf(answer.flagged)) AS flagged,
    toInt64(countIf(answer.flagged AND answer.class = 'promoter')) AS flagged_promoters,
    toInt64(countIf(answer.flagged AND answer.class = 'detractor')) AS flagged_detractors,
    toInt64(countIf(answer.flagged AND answer.top_two_box)) AS flagged_top_two_box
FROM responses AS answer
WHERE NOT withdrawn AND NOT synthetic AND score IS NOT NULL AND survey_id = {survey:String}
GROUP BY day, answer.unit_id, answer.metric
)"""
"""As loyalty_daily, which does not tell surveys apart."""

_SUMMED = ("n", "promoters", "detractors", "top_box", "top_two_box", "flagged", "flagged_promoters", "flagged_detractors", "flagged_top_two_box")
_SUMS = ", ".join(f"toInt64(sum(loyalty.{name})) AS {name}" for name in _SUMMED)
_PERIOD = "day >= {start:Date32} AND day <= {end:Date32}"

NEWEST_ANSWER = "SELECT maxOrNull(day) AS day FROM (SELECT day FROM loyalty_sums AS cell GROUP BY day HAVING sum(cell.n) > 0)"
"""Over all days, so grouped by less than loyalty_daily is."""
NEWEST_MOVEMENT = "SELECT maxOrNull(day) AS day FROM transactions WHERE NOT synthetic"
CURRENCY = "SELECT if(max(base_currency) = '', 'EUR', max(base_currency)) AS currency FROM base_currency FINAL"
CATALOG_UNITS = "SELECT unit_id, ifNull(peer_group, '') AS peer_group FROM units FINAL ORDER BY unit_id"
RATED_UNITS = "SELECT DISTINCT unit_id FROM loyalty_daily WHERE unit_id IN {units:Array(String)}"
SURVEY = "SELECT count() AS n FROM responses WHERE survey_id = {survey:String}"

SCORES = f"""
SELECT
    toString(metric) AS metric, day < {{start:Date32}} AS is_before, grouping(unit) = 0 AS by_unit,
    toDate32(BUCKET) AS bucket, loyalty.unit_id AS unit, {_SUMS},
    sum(loyalty.score_sum) AS score_sum, sum(loyalty.score_sum_squares) AS score_sum_squares
FROM LOYALTY AS loyalty
WHERE day >= {{before:Date32}} AND day <= {{end:Date32}} AND UNITS
GROUP BY GROUPING SETS ((metric, is_before, bucket), (metric, is_before, unit))
"""  # noqa: S608 (constants)
"""By week or month, and by unit, in one go: the view is by far more than what is grouped of it."""
WEEK, MONTH = "toMonday(day)", "toStartOfMonth(day)"

JUDGED = "SELECT unit_id, toString(state) AS state, families, since FROM integrity_units WHERE UNITS"

FUNNEL = """
SELECT
    funnel.unit_id AS unit_id, funnel.peer_group AS peer_group, toString(funnel.metric) AS metric, toInt64(funnel.rate_n) AS rate_n,
    funnel.rate AS rate, funnel.rate_expected AS rate_expected, funnel.rate_low AS rate_low, funnel.rate_high AS rate_high,
    funnel.q_value AS q_value, funnel.named AS named
FROM integrity_funnel_last_days(days = {days:UInt16}, as_of = {end:Date32}) AS funnel
WHERE funnel.metric = {metric:String} AND funnel.rate_expected IS NOT NULL AND funnel.rate IS NOT NULL AND UNITS
ORDER BY unit_id
"""

FROM_FIRST_DAY = """
SELECT test.unit_id AS unit_id, test.first_day AS first_day, test.e_value AS e_value, test.e_value_needed AS e_value_needed
FROM integrity_from_first_day_as_of(as_of = {end:Date32}) AS test
WHERE test.metric = {metric:String} AND test.named AND UNITS
ORDER BY e_value DESC, unit_id
"""

FINDINGS = """
SELECT
    finding_id, ifNull(found_of.unit_id, '') AS of_unit, ifNull(found_of.plan_id, '') AS of_plan, toString(found_of.detector) AS detector,
    toString(found_of.state) AS state, since, raised_on, sounded_on, e_value, found, looked_at, at_most,
    arraySlice(arraySort(found_of.response_ids), 1, 100) AS response_ids, toInt64(length(found_of.response_ids)) AS responses, evidence,
    toString(found_of.decision) AS decision
FROM findings AS found_of
WHERE since <= {end:Date32} AND found_of.state != 'clear' AND (found_of.unit_id IS NULL OR UNITS)
ORDER BY of_unit, since, finding_id
"""

PLAN_UNITS = "SELECT plan_id, units FROM incentive_plans FINAL ORDER BY plan_id"

UNIT_WEEKS = """
SELECT unit_id, toDate32(toMonday(day)) AS start, toInt64(sum(daily.n)) AS n, toInt64(sum(daily.flagged)) AS flagged
FROM loyalty_daily AS daily
WHERE day >= {since:Date32} AND day <= {end:Date32} AND unit_id IN {suspects:Array(String)}
GROUP BY unit_id, start ORDER BY unit_id, start
"""

ACCOUNTS = """
SELECT
    toString(quadrant) AS quadrant, toString(loyalty_segment) AS loyalty_segment,
    if(vdi IS NULL OR feeling IS NULL, NULL, toInt64(least(9, floor(vdi * 10)))) AS value_tenth,
    if(vdi IS NULL OR feeling IS NULL, NULL, toInt64(least(9, floor(feeling * 10)))) AS feeling_tenth,
    toInt64(count()) AS accounts, toFloat64(sum(account.revenue)) AS revenue, sumOrNull(account.lifetime_value) AS lifetime_value,
    toInt64(countIf(account.account_id GLOBAL IN (SELECT account_id FROM account_predictions WHERE frequency = 0))) AS bought_once
FROM account_profiles AS account
WHERE RATED
GROUP BY quadrant, loyalty_segment, value_tenth, feeling_tenth
ORDER BY quadrant, loyalty_segment, value_tenth, feeling_tenth
"""

RATED = f"""account_id GLOBAL IN (
    SELECT account_id FROM responses WHERE NOT withdrawn AND NOT synthetic AND score IS NOT NULL AND {_PERIOD} AND UNITS AND SURVEY
)"""  # noqa: S608 (constants)
"""The accounts that answered within the scope and period."""

DRIVERS = """
SELECT
    survey_id, driver, toString(metric) AS metric, toInt64(n) AS n, performance, performance_low, performance_high, target, lmg, lmg_low, lmg_high,
    priority, priority_low, priority_high
FROM drivers WHERE SURVEY ORDER BY survey_id, driver
"""

STRATA = f"""
SELECT
    peer_group, toString(channel) AS channel, is_new, toInt64(count()) AS eligible, toInt64(countIf(was_sent AND NOT bounced)) AS sent,
    toInt64(countIf(answered)) AS answered, toInt64(countIf(disposition = 'refusal')) AS refusals,
    toInt64(countIf(disposition = 'noncontact')) AS noncontacts, toInt64(countIf(disposition = 'other')) AS others,
    toInt64(countIf(disposition = 'not_sampled')) AS not_sampled
FROM survey_chances
WHERE {_PERIOD} AND UNITS AND (account_id, invitation_id) GLOBAL IN (
    SELECT account_id, invitation_id FROM fact_invitations WHERE event_type = 'invitation.eligible' AND {_PERIOD}
)
GROUP BY peer_group, channel, is_new ORDER BY peer_group, channel, is_new
"""  # noqa: S608 (constants)
"""The second condition follows from the first, and lets ClickHouse leave other chances out before it puts their steps together."""

FOLLOW_UP = """
WITH ifNull((SELECT if(max(timezone) = '', 'UTC', max(timezone)) FROM timezone FINAL), 'UTC') AS zone
SELECT
    programme, toInt64(sum(a_due)) AS due, toInt64(sum(a_in_sla)) AS in_sla, toInt64(sum(a_late)) AS late,
    due - in_sla - late AS not_contacted, toInt64(sum(a_debt)) AS debt
FROM (
    SELECT
        programme, 1 AS a_due, toUInt8(in_sla) AS a_in_sla,
        toUInt8(NOT in_sla AND ifNull(toDate32(toTimezone(contacted_at, zone)) <= {end:Date32}, false)) AS a_late, 0 AS a_debt
    FROM follow_up_cases
    WHERE is_due AND toDate32(toTimezone(due_at, zone)) >= {start:Date32} AND toDate32(toTimezone(due_at, zone)) <= {end:Date32} AND CASES
    UNION ALL
    SELECT programme, 0, 0, 0, 1
    FROM feedback_debts
    WHERE toDate32(toTimezone(occurred_at, zone)) >= {start:Date32} AND toDate32(toTimezone(occurred_at, zone)) <= {end:Date32} AND DEBTS
)
GROUP BY programme ORDER BY programme
"""

OF_SCOPE = "(account_id, ifNull(response_id, '')) GLOBAL IN (SELECT account_id, response_id FROM responses WHERE UNITS AND SURVEY)"
"""Cases and debts that are about responses of the scope, withdrawn ones included, as a withdrawal does not remove a case."""

MESSAGES = """
SELECT month, toInt64(messages) AS messages, toInt64(selling) AS selling, toInt64(value) AS value, toInt64(offers) AS offers,
toInt64(attention_errors) AS attention_errors
FROM messages_monthly WHERE month >= toStartOfMonth({start:Date32}) AND month <= {end:Date32} ORDER BY month
"""

GROWTH = """
SELECT
    month, toFloat64(revenue) AS revenue, toFloat64(earned_new_revenue) AS earned_new_revenue, toFloat64(bought_new_revenue) AS bought_new_revenue,
    toFloat64(other_new_revenue) AS other_new_revenue, toInt64(customers) AS customers, toInt64(customers_new) AS customers_new,
    toInt64(customers_earned_new) AS customers_earned_new, toInt64(customers_bought_new) AS customers_bought_new,
    nrr, grr, earned_growth_rate, induced_share
FROM growth_monthly WHERE month >= toStartOfMonth({start:Date32}) AND month <= {end:Date32} ORDER BY month
"""

PREDICTION = """
SELECT
    toString(predictor) AS predictor, toInt64(n) AS n, toInt64(bought) AS bought, auc, low, high, toString(compared_with) AS compared_with,
    gain, gain_low, gain_high
FROM prediction ORDER BY predictor
"""

SCORECARDS = """
SELECT scorecard, toInt64(kpis) AS kpis, toInt64(company_kpis) AS company_kpis, ratio, ratio_paid, toInt64(conflicts) AS conflicts
FROM mixed_messages ORDER BY scorecard
"""

RUNS = "SELECT toString(model) AS model, toString(state) AS state, as_of, explanation FROM model_runs WHERE last ORDER BY model"
