"""What each chart must show, asked of Candor's views: scores as the views have them, or counted from single responses."""

_COUNTED = "FROM responses WHERE NOT withdrawn AND NOT synthetic AND metric IS NOT NULL"
_MONTH = "toDate32(toStartOfMonth(day))"
_OF_ALL = "FROM loyalty_total WHERE metric = 'nps' AND period = 'all'"
_OF_WINDOWS = "FROM loyalty_total WHERE metric = 'nps' AND period = '28 days'"
_STEPS = ("csat", "ces", "rating")

NPS = """\
100 * (countIf(class = 'promoter') - countIf(class = 'detractor')) / nullIf(countIf(class IS NOT NULL), 0) AS nps,
100 * (countIf(class = 'promoter' AND NOT flagged) - countIf(class = 'detractor' AND NOT flagged))
    / nullIf(countIf(class IS NOT NULL AND NOT flagged), 0) AS nps_excluded,
100 * (countIf(class = 'promoter' AND NOT flagged) - countIf(class = 'detractor' OR (class IS NOT NULL AND flagged)))
    / nullIf(countIf(class IS NOT NULL), 0) AS nps_bound_low"""

EXPECTED = {
    "nps": f"SELECT nps {_OF_ALL}",
    "nps_n": f"SELECT n AS nps_n {_OF_ALL}",
    "nps_excluded": f"SELECT nps_excluded {_OF_ALL}",
    "nps_excluded_n": f"SELECT n - flagged AS nps_excluded_n {_OF_ALL}",
    "nps_bound_low": f"SELECT nps_bound_low {_OF_ALL}",
    "nps_by_month": f"SELECT {_MONTH} AS answered_on_month, {NPS} {_COUNTED} GROUP BY answered_on_month HAVING countIf(class IS NOT NULL) >= 30",
    "nps_n_by_month": f"SELECT {_MONTH} AS answered_on_month, countIf(class IS NOT NULL) AS nps_n,"
    f" countIf(class IS NOT NULL AND NOT flagged) AS nps_excluded_n {_COUNTED} GROUP BY answered_on_month",
    "nps_interval": "SELECT window_start, nps_low AS nps_low_at_grain, nps AS nps_at_grain, nps_high AS nps_high_at_grain " + _OF_WINDOWS,
    "nps_interval_n": f"SELECT window_start, n AS n_at_grain {_OF_WINDOWS}",
    "nps_by_unit": "SELECT unit_id, n, nps, nps_low, nps_high, nps_excluded, nps_bound_low, validity_rate, response_rate"
    " FROM loyalty_by_unit WHERE metric = 'nps' AND period = 'all'",
    "nps_by_channel": "SELECT channel, n AS counted, nps, n AS nps_n, nps_excluded, n - flagged AS nps_excluded_n, validity_rate"
    " FROM loyalty_by_channel WHERE metric = 'nps' AND period = 'all'",
    "nps_by_survey": "SELECT survey_id AS survey, count() AS survey_nps_n,"
    f" avg(multiIf(class = 'promoter', 100, class = 'detractor', -100, 0)) AS survey_nps {_COUNTED} AND metric = 'nps' GROUP BY survey_id",
    "top_two_box_by_month": f"SELECT {_MONTH} AS answered_on_month, "
    + ", ".join(f"ifNotFinite(avgIf(assumeNotNull(top_two_box), metric = '{one}'), NULL) AS {one}_top_two_box" for one in _STEPS)
    + f" {_COUNTED} GROUP BY answered_on_month HAVING countIf(metric IN {_STEPS}) >= 30",
    "steps_n_by_month": f"SELECT {_MONTH} AS answered_on_month, "
    + ", ".join(f"countIf(metric = '{one}') AS {one}_n" for one in _STEPS)
    + f" {_COUNTED} GROUP BY answered_on_month",
    "response_rate_by_month": f"SELECT {_MONTH} AS sent_on_month, avg(answered) AS response_rate FROM invitation_outcomes GROUP BY sent_on_month"
    " HAVING count() >= 30",
    "response_rate_by_unit": "SELECT unit_id AS unit, asked.n AS invitations_n, asked.yes AS invitations_answered, response_rate FROM loyalty_by_unit"
    " JOIN (SELECT unit_id, count() AS n, countIf(answered) AS yes FROM invitation_outcomes GROUP BY unit_id) AS asked USING unit_id"
    " WHERE metric = 'nps' AND period = 'all'",
    "integrity_units": "SELECT unit_id, state, since, e_value, n, flagged, validity_rate, n_nps, nps_raw, nps_excluded, nps_bound_low"
    " FROM integrity_units",
    "findings": "SELECT finding_id, unit_id, detector, family, state, since, raised_on, found, at_most, looked_at, e_value, decision, decided_by"
    " FROM findings",
    "validity_by_month": f"SELECT {_MONTH} AS answered_on_month, avg(NOT flagged) AS validity_rate {_COUNTED} GROUP BY answered_on_month"
    " HAVING count() >= 30",
    "flagged_by_month": f"SELECT {_MONTH} AS answered_on_month, count() AS counted, countIf(r.flagged) AS flagged"
    " FROM responses AS r WHERE NOT withdrawn AND NOT synthetic AND metric IS NOT NULL GROUP BY answered_on_month",
    "satisfaction_by_channel": "SELECT channel, n AS csat_n, csat / 100 AS csat_top_two_box, n - flagged AS csat_excluded_n,"
    " csat_excluded / 100 AS csat_excluded_top_two_box, csat_bound_low / 100 AS csat_bound_low_top_two_box"
    " FROM loyalty_by_channel WHERE metric = 'csat' AND period = 'all'",
    "integrity_funnel": "SELECT unit_id, rate_n, rate, rate_expected, rate_low, rate_high, q_value, named FROM integrity_funnel WHERE metric = 'nps'",
    "integrity_from_first_day": "SELECT unit_id, first_day, rate_n, rate, rate_expected, shape_n, shape, shape_expected, e_value, e_value_needed,"
    " e_value_max, named FROM integrity_from_first_day WHERE metric = 'nps'",
    "retention_by_month": "SELECT month AS growth_month, nrr, grr, logo_retention FROM growth_monthly WHERE is_over",
    "new_by_month": "SELECT month AS growth_month, earned_new, bought_new FROM growth_monthly WHERE is_over",
    "revenue_by_month": "SELECT month AS growth_month, revenue FROM growth_monthly",
    "customers_by_month": "SELECT month AS growth_month, customers_kept, customers_before FROM growth_monthly WHERE is_over",
    "revenue_at_risk_by_unit": "SELECT unit_id, accounts, accounts_at_risk, at_risk_share, at_risk_share_low, at_risk_share_high, revenue_last_year,"
    " revenue_at_risk_last_year, currency FROM revenue_at_risk_by_unit",
    "engagement_by_segment": "SELECT loyalty_segment, accounts, active_accounts, engagement, engagement_low, engagement_high"
    " FROM engagement_by_segment",
    "follow_up_by_programme": "SELECT programme, sum(due) AS cases_due, sum(sla_attainment * due) / nullIf(cases_due, 0) AS sla_attainment,"
    " sum(f.detractors_contacted) AS detractors_contacted, sum(rescue_rate * f.detractors_contacted)"
    " / nullIf(sum(f.detractors_contacted), 0) AS rescue_rate,"
    " sum(f.acted_upon) AS acted_upon, sum(told_rate * f.acted_upon) / nullIf(sum(f.acted_upon), 0) AS told_rate,"
    " sum(f.feedback_debt) AS feedback_debt FROM follow_up AS f GROUP BY programme",
    "sla_by_month": "SELECT month AS follow_up_month, sum(f.sla_attainment * due) / nullIf(sum(due), 0) AS sla_attainment"
    " FROM follow_up AS f GROUP BY month HAVING sum(due) >= 30",
    "cases_by_month": "SELECT month AS follow_up_month, sum(due) AS cases_due FROM follow_up GROUP BY month",
    "messages_by_month": "SELECT month AS message_month, value_share, owned_offer_rate FROM messages_monthly WHERE value + selling >= 30",
    "messages_n_by_month": "SELECT month AS message_month, value + selling AS messages_of_value_or_selling, offers FROM messages_monthly",
    "grades": "SELECT grade, n, share, revenue, judged, repurchase_rate FROM grades",
    "drivers": "SELECT survey_id, driver, n, performance, lmg, lmg_low, lmg_high, priority FROM drivers",
}
