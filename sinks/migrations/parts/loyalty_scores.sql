    if(metric = 'nps', score(promoters, detractors, n), NULL) AS nps,
    if(metric = 'nps', greatest(-100., 100 * (centre(promoters, detractors, n) - margin(promoters, detractors, n))), NULL) AS nps_low,
    if(metric = 'nps', least(100., 100 * (centre(promoters, detractors, n) + margin(promoters, detractors, n))), NULL) AS nps_high,
    if(metric = 'nps', score(promoters - flagged_promoters, detractors - flagged_detractors, nullIf(n - flagged, 0)), NULL) AS nps_excluded,
    if(metric = 'nps' AND n > flagged, greatest(-100., 100 * (
        centre(promoters - flagged_promoters, detractors - flagged_detractors, n - flagged)
        - margin(promoters - flagged_promoters, detractors - flagged_detractors, n - flagged)
    )), NULL) AS nps_excluded_low,
    if(metric = 'nps' AND n > flagged, least(100., 100 * (
        centre(promoters - flagged_promoters, detractors - flagged_detractors, n - flagged)
        + margin(promoters - flagged_promoters, detractors - flagged_detractors, n - flagged)
    )), NULL) AS nps_excluded_high,
    if(metric = 'nps', score(promoters - flagged_promoters, detractors, n), NULL) AS nps_bound_mid,
    if(metric = 'nps', score(promoters - flagged_promoters, detractors - flagged_detractors + flagged, n), NULL) AS nps_bound_low,
    if(metric = 'csat', 100 * top_two_box / n, NULL) AS csat,
    if(metric = 'csat', least(csat, greatest(0., 100 * (middle(top_two_box, n) - reach(top_two_box, n)))), NULL) AS csat_low,
    if(metric = 'csat', greatest(csat, least(100., 100 * (middle(top_two_box, n) + reach(top_two_box, n)))), NULL) AS csat_high,
    if(metric = 'csat', 100 * (top_two_box - flagged_top_two_box) / nullIf(n - flagged, 0), NULL) AS csat_excluded,
    if(metric = 'csat' AND n > flagged, least(csat_excluded, greatest(0., 100 * (middle(top_two_box - flagged_top_two_box, n - flagged) - reach(top_two_box - flagged_top_two_box, n - flagged)))), NULL) AS csat_excluded_low,
    if(metric = 'csat' AND n > flagged, greatest(csat_excluded, least(100., 100 * (middle(top_two_box - flagged_top_two_box, n - flagged) + reach(top_two_box - flagged_top_two_box, n - flagged)))), NULL) AS csat_excluded_high,
    if(metric = 'csat', 100 * (top_two_box - flagged_top_two_box) / n, NULL) AS csat_bound_low,
    if(metric = 'ces', score_sum / n, NULL) AS ces,
    if(ces_margin IS NULL, NULL, greatest(1., ces - ces_margin)) AS ces_low,
    if(ces_margin IS NULL, NULL, least(7., ces + ces_margin)) AS ces_high,
    if(metric = 'ces', (score_sum - flagged_score_sum) / nullIf(n - flagged, 0), NULL) AS ces_excluded,
    if(ces_excluded_margin IS NULL, NULL, greatest(1., ces_excluded - ces_excluded_margin)) AS ces_excluded_low,
    if(ces_excluded_margin IS NULL, NULL, least(7., ces_excluded + ces_excluded_margin)) AS ces_excluded_high,
