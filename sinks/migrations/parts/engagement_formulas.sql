    -- include: student
    -- Whole numbers, so equal days leave exactly 0.
    accounts * active_days_squares - active_days * active_days AS spread,
    if(spread > 0, sqrt(spread / (accounts - 1)) / (28 * accounts) * student(accounts - 1), NULL) AS margin
