    deviating AS (
        SELECT
            *,
            known >= 10 AS is_compared,
            if(test = 'rate', 0.018, 0.001) AS least_between,
            1 / greatest(known, 1.) AS chance,
            if(is_compared, deviation((found + 0.5) / (known + 1), usual), 0.) AS distance,
            pow(chance + 0.018, -2) AS weight,
            countIf(is_compared) OVER peers AS compared,
            quantileExactInclusiveIf(0.5)(distance, is_compared) OVER peers AS middle,
            avgIf(chance, is_compared) OVER peers AS mean_chance
        FROM standardised
        WINDOW peers AS (PARTITION BY peer_group, metric, test)
    ),
    -- Gaming only ever raises rates, so how much honest units differ is learned from the half with the lower rates: method of moments around the middle,
    -- of which one unit is used up for the middle, weighted so that large units do not drown the others.
    learned AS (
        SELECT
            *,
            is_compared AND distance <= middle AS is_lower,
            countIf(is_lower) OVER peers AS lower,
            lower / greatest(lower - 1., 1.) AS correction,
            sumIf(weight, is_lower) OVER peers AS weights,
            (
                correction * sumIf(weight * pow(distance - middle, 2), is_lower) OVER peers - sumIf(weight * chance, is_lower) OVER peers
            ) / weights AS excess,
            greatest(least_between, excess) AS between,
            -- Variance of that estimate: 2 * sum of (weight * (chance + between))^2, over the square of the weights.
            2 * pow(correction / weights, 2) * (
                sumIf(pow(weight * chance, 2), is_lower) OVER peers
                + 2 * between * sumIf(weight * weight * chance, is_lower) OVER peers
                + between * between * sumIf(weight * weight, is_lower) OVER peers
            ) AS doubt
        FROM deviating
        WINDOW peers AS (PARTITION BY peer_group, metric, test)
    ),
