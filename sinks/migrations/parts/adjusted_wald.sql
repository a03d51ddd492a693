    -- Adjusted Wald: three more responses, three quarters of them promoters and three quarters detractors.
    (promoters, detractors, n) -> (promoters - detractors) / (n + 3) AS centre,
    (promoters, detractors, n) -> 1.959964 * sqrt(((promoters + detractors + 1.5) / (n + 3) - pow((promoters - detractors) / (n + 3), 2)) / (n + 3)) AS margin,
