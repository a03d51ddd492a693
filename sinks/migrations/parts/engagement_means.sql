    any(one.as_of) AS as_of,
    toInt64(count()) AS accounts,
    toInt64(countIf(one.active_days > 0)) AS active_accounts,
    sum(one.active_days) AS active_days,
    sum(one.active_days * one.active_days) AS active_days_squares,
    active_days / (28 * accounts) AS engagement,
    if(margin IS NULL, NULL, greatest(0., engagement - margin)) AS engagement_low,
    if(margin IS NULL, NULL, least(1., engagement + margin)) AS engagement_high
