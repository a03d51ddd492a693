    (promoters, detractors, n) -> 100 * (promoters - detractors) / n AS score,
    -- include: adjusted_wald
    -- Wilson's interval of a share: squares of z, their half and quarter written out.
    (good, n) -> (good + 1.920729440648) / (n + 3.841458881296) AS middle,
    (good, n) -> 1.959964 * sqrt(good * (n - good) / n + 0.960364720324) / (n + 3.841458881296) AS reach,
    -- include: student
    -- Of a mean, from the sum and the sum of squares. Scores are summed in billionths: what is less than twenty for each is rounding, and no spread.
    (total, squares, n) -> if(
        n > 1 AND squares - total * total / n > 2e-8 * n, student(n - 1) * sqrt((squares - total * total / n) / (n - 1) / n), NULL
    ) AS mean_margin,
    if(metric = 'ces', mean_margin(score_sum, score_sum_squares, n), NULL) AS ces_margin,
