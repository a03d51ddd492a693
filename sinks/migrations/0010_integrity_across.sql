-- What change detection cannot see: units that gamed from their first day, and rings of raters over several units.

CREATE OR REPLACE VIEW integrity_funnel_last_days${on_cluster}
(
    `unit_id` String COMMENT 'The unit.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `peer_group` Nullable(String) COMMENT 'The units that it is compared with; NULL where the catalog names none: such units are compared with each other.',
    `as_of` Date32 COMMENT 'The newest day with a counted response in the window; the same in every row.',
    `first_day` Date32 COMMENT 'Local date of the unit\'s first counted response in the window.',
    `last_day` Date32 COMMENT 'Local date of its newest.',
    `n` Int64 COMMENT 'Counted responses: neither withdrawn, superseded nor synthetic.',
    `top_box` Int64 COMMENT 'Of these, at the top of the scale.',
    `top_two_box` Int64 COMMENT 'Of these, csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `rate_n` Int64 COMMENT 'Responses that can be compared: on channels where the peers have at least 30 for the metric.',
    `rate_peers` UInt64 COMMENT 'Other units of the peer group that are compared: with at least 10 such responses.',
    `rate` Nullable(Float64) COMMENT 'Top-box rate of the comparable responses, 0 to 1. NULL where there is none.',
    `rate_expected` Nullable(Float64) COMMENT 'What half of the peers do not reach, at the unit\'s mix of channels. NULL where there are fewer than 7 peers, fewer than 10 comparable responses, or too little to tell how peers differ.',
    `rate_low` Nullable(Float64) COMMENT 'Lower control limit of the funnel plot: three standard deviations below rate_expected; both the chance in a unit\'s responses and how much honest units differ are in it. NULL as rate_expected.',
    `rate_high` Nullable(Float64) COMMENT 'Upper control limit, three standard deviations above. NULL as rate_expected.',
    `rate_between` Nullable(Float64) COMMENT 'How much honest units differ: intra-class correlation of the top-box rate, from the half of the peer group with the lower rates; at least 0.018. NULL as rate_expected.',
    `rate_z` Nullable(Float64) COMMENT 'Standard deviations above rate_expected, half a response taken off. NULL as rate_expected, and where no response is at the top.',
    `rate_p_value` Nullable(Float64) COMMENT 'How often an honest unit of these peers would have a rate as high or higher, at most; no less than 1e-15. NULL as rate_expected.',
    `shape_n` Int64 COMMENT 'Top-two-box responses that can be compared: on channels where the peers have at least 30.',
    `shape_peers` UInt64 COMMENT 'Other units that are compared: with at least 10 such responses.',
    `shape` Nullable(Float64) COMMENT 'Share of the very top among the comparable top-two-box responses, 0 to 1: who begs and bribes makes tens of nines. NULL where there is none.',
    `shape_expected` Nullable(Float64) COMMENT 'What half of the peers do not reach, at the unit\'s mix of channels. NULL where there are fewer than 7 peers, fewer than 10 comparable responses, or too little to tell how peers differ.',
    `shape_low` Nullable(Float64) COMMENT 'Lower control limit: three standard deviations below. NULL as shape_expected.',
    `shape_high` Nullable(Float64) COMMENT 'Upper control limit: three standard deviations above. NULL as shape_expected.',
    `shape_between` Nullable(Float64) COMMENT 'Intra-class correlation of the shape, from the lower half of the peer group; at least 0.001. NULL as shape_expected.',
    `shape_z` Nullable(Float64) COMMENT 'Standard deviations above shape_expected, half a response taken off. NULL as shape_expected, and where no response is at the top.',
    `shape_p_value` Nullable(Float64) COMMENT 'How often an honest unit of these peers would have a share as high or higher, at most; no less than 1e-15. NULL as shape_expected.',
    `p_value` Nullable(Float64) COMMENT 'Of both together: twice the lesser, at most 1. NULL where both are.',
    `q_value` Nullable(Float64) COMMENT 'p_value adjusted for all rows that have one (Benjamini and Hochberg): the least false-discovery rate at which the row is named. NULL where p_value is.',
    `named` Bool COMMENT 'q_value <= 0.05: of the rows named at any one time, at most one in twenty is expected to be of a unit that differs from its peers only as honest units do. A reason to look, no proof.'
)
AS WITH
    -- How far a rate lies above another, in units in which its variance is 1 / n + the intra-class correlation: log odds below one half, arc sine from
    -- there on. Rates of honest units are then symmetric or lean to the left, which is the safe side.
    (share, usual) -> if(
        usual < 0.5,
        sqrt(usual * (1 - usual)) * (log(share / (1 - share)) - log(usual / (1 - usual))),
        2 * (asin(sqrt(share)) - asin(sqrt(usual)))
    ) AS deviation,
    -- The rate that lies so far above another.
    (distance, usual) -> if(
        usual < 0.5,
        1 / (1 + exp(-(log(usual / (1 - usual)) + distance / sqrt(usual * (1 - usual))))),
        pow(sin(least(greatest(asin(sqrt(usual)) + distance / 2, 0.), pi() / 2)), 2)
    ) AS deviated,
    -- Upper tail of Student's t for an even number of degrees of freedom (Abramowitz and Stegun 26.7.4).
    (t, degrees) -> greatest(1e-15, 0.5 - 0.5 * t / sqrt(degrees + t * t) * arraySum(
        k -> exp(lgamma(k + 0.5) - lgamma(k + 1.)) / sqrt(pi()) * pow(degrees / (degrees + t * t), k), range(toUInt32(degrees / 2))
    )) AS tail,
    daily AS (
        SELECT day, unit_id, channel, metric, sum(n) AS n, sum(top_box) AS top_box, sum(top_two_box) AS top_two_box
        FROM cell_loyalty FINAL
        WHERE unit_id != '' AND day > {as_of:Date32} - {days:UInt32} AND day <= {as_of:Date32}
        GROUP BY day, unit_id, channel, metric
        HAVING n > 0
    ),
    counted AS (
        SELECT
            unit_id, channel, metric, min(daily.day) AS first_day, max(daily.day) AS last_day,
            sum(daily.n) AS n, sum(daily.top_box) AS top_box, sum(daily.top_two_box) AS top_two_box
        FROM daily
        GROUP BY unit_id, channel, metric
    ),
    grouped AS (
        SELECT counted.*, peer.peer_group AS peer_group
        FROM counted
        GLOBAL LEFT JOIN (SELECT unit_id, ifNull(peer_group, '') AS peer_group FROM units FINAL) AS peer ON counted.unit_id = peer.unit_id
        SETTINGS join_use_nulls = 0
    ),
    -- Two questions of the same kind: how many of all are at the top, how many of the two highest are.
    asked AS (
        SELECT
            peer_group, unit_id, metric, channel, first_day, last_day, n, top_box, top_two_box,
            question.1 AS test, toFloat64(question.2) AS size, toFloat64(top_box) AS hits,
            sum(size) OVER peers - size AS others,
            sum(hits) OVER peers - hits AS others_hits,
            sum(size * size) OVER peers - size * size AS others_squares
        FROM grouped
        ARRAY JOIN [('rate', n), ('shape', top_two_box)] AS question
        WINDOW peers AS (PARTITION BY peer_group, metric, channel, test)
    ),
    -- Indirect standardisation: what the others' rates lead to expect at the unit's own mix of channels.
    standardised AS (
        SELECT
            peer_group, unit_id, metric, test, min(asked.first_day) AS first_day, max(asked.last_day) AS last_day,
            sum(asked.n) AS n, sum(asked.top_box) AS top_box, sum(asked.top_two_box) AS top_two_box,
            sumIf(size, others >= 30) AS known,
            sumIf(hits, others >= 30) AS found,
            sumIf(size * others_hits / others, others >= 30) / known AS mixed,
            -- Keeps the log odds finite where the others have none at the top, or all.
            0.5 / sumIf(others, others >= 30 AND size > 0) AS least_rate,
            least(greatest(mixed, least_rate), 1 - least_rate) AS usual,
            sumIf(size * size / others, others >= 30) / (known * known) AS others_chance,
            sumIf(size * size * others_squares / (others * others), others >= 30) / (known * known) AS others_between
        FROM asked
        GROUP BY peer_group, unit_id, metric, test
    ),
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
    judged AS (
        SELECT
            *,
            -- The unit's own chance and difference; the same of the middle of its peers; the same of their rates on its channels.
            chance + between + pi() / 2 * (mean_chance + between) / compared + others_chance + between * others_between AS variance,
            -- Satterthwaite, one less for the middle, rounded down to an even number, at most 30: tails stay heavier than those of a normal distribution.
            2 * variance * variance / doubt - 1 AS freedom,
            if(freedom >= 2, least(30., 2 * floor(freedom / 2)), 0.) AS degrees,
            is_compared AND compared >= 8 AND degrees >= 2 AS is_judged,
            found > 0.5 AS has_hits,
            if(is_judged AND has_hits, (deviation((found - 0.5) / known, usual) - middle) / sqrt(variance), NULL) AS z,
            multiIf(NOT is_judged, NULL, NOT has_hits, 1., tail(assumeNotNull(z), degrees)) AS chance_of_more
        FROM learned
    ),
    pivoted AS (
        SELECT
            peer_group, unit_id, metric, any(judged.first_day) AS first_day, any(judged.last_day) AS last_day,
            any(judged.n) AS n, any(judged.top_box) AS top_box, any(judged.top_two_box) AS top_two_box,
            groupArray((
                known, toUInt64(greatest(compared - is_compared, 0)), if(known > 0, found / known, NULL),
                if(is_judged, deviated(middle, usual), NULL), if(is_judged, deviated(middle - 3 * sqrt(variance), usual), NULL),
                if(is_judged, deviated(middle + 3 * sqrt(variance), usual), NULL), if(is_judged, between, NULL), z, chance_of_more
            )) AS answers,
            groupArray(test) AS tests,
            answers[indexOf(tests, 'rate')] AS of_rate,
            answers[indexOf(tests, 'shape')] AS of_shape,
            if(of_rate.9 IS NULL AND of_shape.9 IS NULL, NULL, least(1., 2 * least(ifNull(of_rate.9, 1.), ifNull(of_shape.9, 1.)))) AS p_value
        FROM judged
        GROUP BY peer_group, unit_id, metric
    ),
    ranked AS (
        SELECT *, p_value * count(p_value) OVER () / count(p_value) OVER (ORDER BY ifNull(p_value, 2.)) AS adjusted
        FROM pivoted
    ),
    final AS (
        SELECT
            *, max(ranked.last_day) OVER () AS newest,
            if(p_value IS NULL, NULL, least(1., min(adjusted) OVER (ORDER BY ifNull(p_value, 2.) DESC))) AS q
        FROM ranked
    )
SELECT
    unit_id, metric, nullIf(peer_group, '') AS peer_group, newest AS as_of, first_day, last_day, n, top_box, top_two_box,
    toInt64(of_rate.1) AS rate_n, of_rate.2 AS rate_peers, of_rate.3 AS rate, of_rate.4 AS rate_expected, of_rate.5 AS rate_low, of_rate.6 AS rate_high,
    of_rate.7 AS rate_between, of_rate.8 AS rate_z, of_rate.9 AS rate_p_value,
    toInt64(of_shape.1) AS shape_n, of_shape.2 AS shape_peers, of_shape.3 AS shape, of_shape.4 AS shape_expected, of_shape.5 AS shape_low, of_shape.6 AS shape_high,
    of_shape.7 AS shape_between, of_shape.8 AS shape_z, of_shape.9 AS shape_p_value,
    p_value, q AS q_value, CAST(ifNull(q <= 0.05, false), 'Bool') AS named
FROM final
COMMENT 'Units whose scores are higher than those of honest peers, over the last days up to a date, that date included: SELECT * FROM integrity_funnel_last_days(days = 90, as_of = \'2026-03-31\'). Columns as in integrity_funnel.';

CREATE OR REPLACE VIEW integrity_funnel${on_cluster}
(
    `unit_id` String COMMENT 'The unit.',
    `metric` LowCardinality(String) COMMENT 'What the score measures: nps, csat, ces or rating.',
    `peer_group` Nullable(String) COMMENT 'The units that it is compared with; NULL where the catalog names none: such units are compared with each other.',
    `as_of` Date32 COMMENT 'The newest day with a counted response in the window; the same in every row.',
    `first_day` Date32 COMMENT 'Local date of the unit\'s first counted response in the window.',
    `last_day` Date32 COMMENT 'Local date of its newest.',
    `n` Int64 COMMENT 'Counted responses: neither withdrawn, superseded nor synthetic.',
    `top_box` Int64 COMMENT 'Of these, at the top of the scale.',
    `top_two_box` Int64 COMMENT 'Of these, csat and rating >= 4 of 5, ces >= 6 of 7, nps >= 9 of 10.',
    `rate_n` Int64 COMMENT 'Responses that can be compared: on channels where the peers have at least 30 for the metric.',
    `rate_peers` UInt64 COMMENT 'Other units of the peer group that are compared: with at least 10 such responses.',
    `rate` Nullable(Float64) COMMENT 'Top-box rate of the comparable responses, 0 to 1. NULL where there is none.',
    `rate_expected` Nullable(Float64) COMMENT 'What half of the peers do not reach, at the unit\'s mix of channels. NULL where there are fewer than 7 peers, fewer than 10 comparable responses, or too little to tell how peers differ.',
    `rate_low` Nullable(Float64) COMMENT 'Lower control limit of the funnel plot: three standard deviations below rate_expected; both the chance in a unit\'s responses and how much honest units differ are in it. NULL as rate_expected.',
    `rate_high` Nullable(Float64) COMMENT 'Upper control limit, three standard deviations above. NULL as rate_expected.',
    `rate_between` Nullable(Float64) COMMENT 'How much honest units differ: intra-class correlation of the top-box rate, from the half of the peer group with the lower rates; at least 0.018. NULL as rate_expected.',
    `rate_z` Nullable(Float64) COMMENT 'Standard deviations above rate_expected, half a response taken off. NULL as rate_expected, and where no response is at the top.',
    `rate_p_value` Nullable(Float64) COMMENT 'How often an honest unit of these peers would have a rate as high or higher, at most; no less than 1e-15. NULL as rate_expected.',
    `shape_n` Int64 COMMENT 'Top-two-box responses that can be compared: on channels where the peers have at least 30.',
    `shape_peers` UInt64 COMMENT 'Other units that are compared: with at least 10 such responses.',
    `shape` Nullable(Float64) COMMENT 'Share of the very top among the comparable top-two-box responses, 0 to 1: who begs and bribes makes tens of nines. NULL where there is none.',
    `shape_expected` Nullable(Float64) COMMENT 'What half of the peers do not reach, at the unit\'s mix of channels. NULL where there are fewer than 7 peers, fewer than 10 comparable responses, or too little to tell how peers differ.',
    `shape_low` Nullable(Float64) COMMENT 'Lower control limit: three standard deviations below. NULL as shape_expected.',
    `shape_high` Nullable(Float64) COMMENT 'Upper control limit: three standard deviations above. NULL as shape_expected.',
    `shape_between` Nullable(Float64) COMMENT 'Intra-class correlation of the shape, from the lower half of the peer group; at least 0.001. NULL as shape_expected.',
    `shape_z` Nullable(Float64) COMMENT 'Standard deviations above shape_expected, half a response taken off. NULL as shape_expected, and where no response is at the top.',
    `shape_p_value` Nullable(Float64) COMMENT 'How often an honest unit of these peers would have a share as high or higher, at most; no less than 1e-15. NULL as shape_expected.',
    `p_value` Nullable(Float64) COMMENT 'Of both together: twice the lesser, at most 1. NULL where both are.',
    `q_value` Nullable(Float64) COMMENT 'p_value adjusted for all rows that have one (Benjamini and Hochberg): the least false-discovery rate at which the row is named. NULL where p_value is.',
    `named` Bool COMMENT 'q_value <= 0.05: of the rows named at any one time, at most one in twenty is expected to be of a unit that differs from its peers only as honest units do. A reason to look, no proof.'
)
AS SELECT *
FROM `${database}`.integrity_funnel_last_days(days = 146096, as_of = '2299-12-31')
COMMENT 'Units whose scores are higher than those of honest peers, over all days; one row per unit and metric. Sees what change detection cannot: units that gamed from their first day.';

CREATE OR REPLACE VIEW integrity_rings${on_cluster}
(
    `kind` String COMMENT 'device: a personal one, so the channel was neither kiosk nor store. contact: a contact address.',
    `hash` String COMMENT 'device_hash or contact_hash of the responses.',
    `as_of` Date32 COMMENT 'The newest day with a counted response; the window is the 30 days up to it. The same in every row.',
    `accounts` UInt64 COMMENT 'Accounts that answered with it, at least 3.',
    `units` UInt64 COMMENT 'Units that they rated, at least 2.',
    `unit_ids` Array(String) COMMENT 'These units.',
    `responses` UInt64 COMMENT 'Their counted responses.',
    `response_ids` Array(Tuple(account_id String, response_id String)) COMMENT 'These responses.',
    `first_day` Date32 COMMENT 'Local date of the first of them in the window.',
    `last_day` Date32 COMMENT 'Local date of the newest.',
    `top_box_share` Float64 COMMENT 'Share of them at the top of the scale, 0 to 1.',
    `tested` UInt64 COMMENT 'Devices or contacts of the kind that answered in the window, all of which are tested.',
    `shared_share` Float64 COMMENT 'Share of these with two accounts or more: upper confidence bound, 99.5 %.',
    `tail_ratio` Float64 COMMENT 'How many times as common as honest ones with k accounts those with k + 1 are at most, for k >= 2: upper confidence bound (99.5 %) from those with two and with three. One half where that bound is above, these are fewer than 100 and no more than a third of them have three. 1 at most.',
    `p_value` Float64 COMMENT 'shared_share * tail_ratio ^ (accounts - 2): how often an honest one would have as many accounts or more, at most.',
    `named` Bool COMMENT 'tested * p_value <= 0.04. With the bounds, which may both fail once in 100 times: at any one time an honest one is named with a probability of at most 5 % for each kind, if honest sharing has such a tail. A reason to look, no proof.'
)
AS WITH
    -- Upper confidence bound (99.5 %) of a rate, from the Chernoff bound: the rate p above found / size at which size * KL(found / size, p) = log(200),
    -- found by halving. Never below Clopper and Pearson's.
    (found, size) -> arrayFold(
        (range_of_rate, step) -> if(
            found * log(greatest(found, 1e-300) / size / ((range_of_rate.1 + range_of_rate.2) / 2))
                + (size - found) * log(greatest(size - found, 1e-300) / size / (1 - (range_of_rate.1 + range_of_rate.2) / 2)) < 5.298317366548036,
            ((range_of_rate.1 + range_of_rate.2) / 2, range_of_rate.2),
            (range_of_rate.1, (range_of_rate.1 + range_of_rate.2) / 2)
        ),
        range(50), (found / size, 1.)
    ).2 AS at_most,
    (
        SELECT max(day)
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ) AS newest,
    answered AS (
        SELECT
            account_id, response_id, unit_id, day, ifNull(top_box, false) AS at_top,
            if(channel IN ('kiosk', 'store'), NULL, nullIf(device_hash, '')) AS device, nullIf(contact_hash, '') AS contact
        FROM fact_responses FINAL
        WHERE NOT synthetic AND NOT withdrawn AND day > newest - 30 AND ifNull(unit_id, '') != '' AND (isNotNull(device) OR isNotNull(contact))
            AND (account_id, response_id) GLOBAL NOT IN (SELECT account_id, response_id FROM fact_withdrawals FINAL WHERE NOT synthetic)
    ),
    used AS (
        SELECT
            thing.1 AS kind, assumeNotNull(thing.2) AS hash, uniqExact(account_id) AS accounts, groupUniqArray(assumeNotNull(unit_id)) AS unit_ids,
            groupArray((account_id, response_id)) AS response_ids, min(answered.day) AS first_day, max(answered.day) AS last_day,
            avg(at_top) AS top_box_share
        FROM answered
        ARRAY JOIN [('device', device), ('contact', contact)] AS thing
        WHERE isNotNull(thing.2)
        GROUP BY kind, hash
    ),
    counted AS (
        SELECT
            *,
            count() OVER kinds AS tested,
            countIf(accounts >= 2) OVER kinds AS shared,
            countIf(accounts = 2) OVER kinds AS twos,
            countIf(accounts = 3) OVER kinds AS threes
        FROM used
        WINDOW kinds AS (PARTITION BY kind)
    ),
    bounded AS (
        SELECT
            *,
            at_most(toFloat64(shared), toFloat64(tested)) AS shared_share,
            -- Rings have more accounts than three, so the two counts are honest ones; a share s of threes among both is a ratio of s / (1 - s).
            if(twos + threes > 0, least(0.5, at_most(toFloat64(threes), toFloat64(twos + threes))), 0.5) AS threes_share,
            threes_share / (1 - threes_share) AS measured,
            if(measured >= 0.5 AND twos + threes < 100 AND 2 * threes <= twos, 0.5, measured) AS tail_ratio
        FROM counted
        WHERE accounts >= 3 AND length(unit_ids) >= 2
    )
SELECT
    kind, hash, newest AS as_of, accounts, length(unit_ids) AS units, arraySort(unit_ids) AS unit_ids, length(response_ids) AS responses,
    CAST(arraySort(response_ids), 'Array(Tuple(account_id String, response_id String))') AS response_ids, first_day, last_day, top_box_share,
    tested, shared_share, tail_ratio, shared_share * pow(tail_ratio, accounts - 2.) AS p_value, CAST(tested * p_value <= 0.04, 'Bool') AS named
FROM bounded
COMMENT 'Rings of raters: devices and contacts that answered for many accounts over several units within 30 days.';
