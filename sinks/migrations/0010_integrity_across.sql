-- What change detection cannot see: units that gamed from their first day, and rings of raters over several units.

CREATE OR REPLACE VIEW integrity_funnel_last_days${on_cluster}
(
    -- include: funnel_columns
)
AS WITH
    -- include: rate_deviation
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
    -- include: learned_from_peers
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
    -- include: funnel_columns
)
AS SELECT *
FROM `${database}`.integrity_funnel_last_days(days = 146096, as_of = '2299-12-31')
COMMENT 'Units whose scores are higher than those of honest peers, over all days; one row per unit and metric. Sees what change detection cannot: units that gamed from their first day.';

CREATE OR REPLACE VIEW integrity_from_first_day_as_of${on_cluster}
(
    -- include: first_day_columns
)
AS WITH
    -- include: rate_deviation
    -- Of the beta-binomial distribution of hits, what depends on them (before the first response: on nothing), with a + b = strength.
    (hits, size, mean, strength) -> lgamma(hits + mean * strength) + lgamma(size - hits + (1 - mean) * strength) AS log_chance,
    (one, other) -> greatest(one, other) + log1p(exp(-abs(one - other))) AS log_sum,
    daily AS (
        SELECT day, unit_id, channel, metric, sum(n) AS n, sum(top_box) AS top_box, sum(top_two_box) AS top_two_box
        FROM cell_loyalty FINAL
        WHERE unit_id != '' AND day <= {as_of:Date32}
        GROUP BY day, unit_id, channel, metric
        HAVING n > 0
    ),
    -- Responses of one day are alike: with a correlation of 0.1, n of them are worth n / (1 + 0.1 (n - 1)).
    weighed AS (
        SELECT
            unit_id, metric, day, groupArray((channel, n, top_box, top_two_box)) AS channels,
            1 / (1 + 0.1 * (sum(daily.n) - 1)) AS worth, 1 / (1 + 0.1 * greatest(sum(daily.top_two_box) - 1, 0)) AS two_worth
        FROM daily
        GROUP BY unit_id, metric, day
    ),
    -- Weeks begin on Mondays; four of them are a window of 28 days.
    weekly AS (
        SELECT
            unit_id, metric, cell.1 AS channel, intDiv(toInt32(day) - 4, 7) AS week, min(weighed.day) AS first_day, max(weighed.day) AS last_day,
            sum(cell.2) AS n, sum(cell.3) AS top_box, sum(cell.4) AS top_two_box, sum(cell.2 * worth) AS rate_size,
            sum(cell.3 * worth) AS rate_hits, sum(cell.4 * two_worth) AS shape_size, sum(cell.3 * two_worth) AS shape_hits
        FROM weighed
        ARRAY JOIN channels AS cell
        GROUP BY unit_id, metric, channel, week
    ),
    grouped AS (
        SELECT weekly.*, peer.peer_group AS peer_group
        FROM weekly
        GLOBAL LEFT JOIN (SELECT unit_id, ifNull(peer_group, '') AS peer_group FROM units FINAL) AS peer ON weekly.unit_id = peer.unit_id
        SETTINGS join_use_nulls = 0
    ),
    -- The same two questions as of the funnel.
    asked AS (
        SELECT
            peer_group, unit_id, metric, channel, question.1 AS test, intDiv(week, 4) AS period, min(grouped.first_day) AS first_day,
            max(grouped.last_day) AS last_day, sum(grouped.n) AS n, sum(grouped.top_box) AS top_box, sum(grouped.top_two_box) AS top_two_box,
            sum(question.2) AS answers, sum(question.3) AS size, sum(question.4) AS hits, groupArray((week, question.3, question.4)) AS weeks
        FROM grouped
        ARRAY JOIN [('rate', grouped.n, rate_size, rate_hits), ('shape', grouped.top_two_box, shape_size, shape_hits)] AS question
        GROUP BY peer_group, unit_id, metric, channel, test, period
    ),
    compared AS (
        SELECT
            *,
            sum(size) OVER peers - size AS others,
            sum(hits) OVER peers - hits AS others_hits,
            sum(size * size) OVER peers - size * size AS others_squares,
            others >= 30 AS is_known,
            if(is_known, others_hits / others, 0.) AS others_rate
        FROM asked
        WINDOW peers AS (PARTITION BY peer_group, metric, channel, test, period)
    ),
    -- Indirect standardisation: what the others' rates lead to expect on the unit's own channels, in each window.
    standardised AS (
        SELECT
            peer_group, unit_id, metric, test, min(compared.first_day) AS first_day, max(compared.last_day) AS last_day,
            sum(compared.n) AS n, sum(compared.top_box) AS top_box, sum(compared.top_two_box) AS top_two_box,
            sumIf(answers, is_known) AS known_answers,
            sumIf(size, is_known) AS known,
            sumIf(hits, is_known) AS found,
            sumIf(size * others_rate, is_known) / known AS mixed,
            -- Keeps the log odds finite where the others have none at the top, or all.
            0.5 / sumIf(others, is_known AND size > 0) AS least_rate,
            least(greatest(mixed, least_rate), 1 - least_rate) AS usual,
            sumIf(size * size / others, is_known) / (known * known) AS others_chance,
            -- The same units are the others in all windows, and differ in all of them alike: the mean over windows is the most that it can be.
            sumIf(size * others_squares / (others * others), is_known) / known AS others_between,
            -- Weeks in order, with what the unit has and what is expected of it; the ones keep weeks in which all of that is 0.
            sumMap(
                arrayMap(one -> one.1, weeks), arrayMap(one -> if(is_known, one.2, 0.), weeks), arrayMap(one -> if(is_known, one.3, 0.), weeks),
                arrayMap(one -> if(is_known, one.2 * others_rate, 0.), weeks), arrayMap(one -> 1, weeks)
            ) AS by_week
        FROM compared
        GROUP BY peer_group, unit_id, metric, test
    ),
    -- include: learned_from_peers
    -- What is taken for honest is a beta distribution of unit rates around the middle of the peers. How much units differ is an estimate, so standard
    -- errors are added to it, the more the fewer the units are that it is from; what is not known of the middle counts as a difference too.
    expecting AS (
        SELECT
            *,
            is_compared AND compared >= 8 AS is_judged,
            between + 8. / lower * sqrt(doubt) AS at_most,
            least(0.5, at_most + pi() / 2 * (mean_chance + at_most) / compared + others_chance + at_most * others_between) AS correlation,
            least(greatest(deviated(middle, usual), least_rate), 1 - least_rate) AS mean,
            1 - mean AS rest,
            1 / correlation - 1 AS strength,
            arrayCumSum(by_week.2) AS sizes,
            -- Hits, less what the time and the channels did for everybody.
            arrayMap(
                (hits, expected, size) -> least(greatest(hits - expected + usual * size, 0.), size),
                arrayCumSum(by_week.3), arrayCumSum(by_week.4), sizes
            ) AS adjusted
        FROM learned
    ),
    evident AS (
        SELECT
            peer_group, unit_id, metric, test, first_day, last_day, n, top_box, top_two_box, is_judged, by_week.1 AS weeks,
            arrayMap(
                of_all -> lgamma(of_all * strength) + lgamma((1 - of_all) * strength), [mean, mean + rest / 8, mean + rest / 4, mean + rest / 2]
            ) AS before,
            arrayMap(
                (hits, size) -> log_sum(
                    log_sum(
                        log_chance(hits, size, mean + rest / 8, strength) - before[2], log_chance(hits, size, mean + rest / 4, strength) - before[3]
                    ),
                    log_chance(hits, size, mean + rest / 2, strength) - before[4]
                ) - log(3) - log_chance(hits, size, mean, strength) + before[1],
                adjusted, sizes
            ) AS log_path,
            (
                known_answers, known, toUInt64(greatest(compared - is_compared, 0)), if(known > 0, found / known, NULL),
                if(is_judged, mean, NULL), if(is_judged, correlation, NULL), if(is_judged, exp(least(log_path[-1], log(1e15))), NULL)
            ) AS answer
        FROM expecting
    ),
    -- The mean of both questions; one that is not asked adds the value 1 that it began with.
    pivoted AS (
        SELECT
            peer_group, unit_id, metric, any(evident.first_day) AS first_day, any(evident.last_day) AS last_day, any(evident.n) AS n,
            any(evident.top_box) AS top_box, any(evident.top_two_box) AS top_two_box,
            groupArray(answer) AS answers, groupArray(test) AS tests,
            answers[indexOf(tests, 'rate')] AS of_rate, answers[indexOf(tests, 'shape')] AS of_shape,
            max(is_judged) AS is_tested,
            any(evident.weeks) AS all_weeks,
            groupArray(if(is_judged, log_path, arrayMap(one -> 0., log_path))) AS log_paths,
            arrayMap((one, other) -> log_sum(one, other) - log(2), log_paths[1], log_paths[2]) AS both
        FROM evident
        GROUP BY peer_group, unit_id, metric
    ),
    ranked AS (
        SELECT
            *, max(pivoted.last_day) OVER () AS newest,
            if(is_tested, exp(least(both[-1], log(1e15))), NULL) AS evidence,
            if(is_tested, exp(least(arrayMax(both), log(1e15))), NULL) AS greatest_evidence,
            if(is_tested, least(toDate32(7 * all_weeks[indexOf(both, arrayMax(both))] + 10), newest), NULL) AS greatest_on,
            count(evidence) OVER () AS tests_of_all,
            countIf(evidence IS NOT NULL) OVER (ORDER BY ifNull(evidence, -1.) DESC) AS place
        FROM pivoted
    ),
    named_of_all AS (
        SELECT
            *, max(if(evidence >= 20 * tests_of_all / place, place, 0)) OVER () AS named_together,
            if(tests_of_all > 0, 20 * tests_of_all / greatest(named_together, 1), NULL) AS needed
        FROM ranked
    )
SELECT
    unit_id, metric, nullIf(peer_group, '') AS peer_group, newest AS as_of, first_day, last_day, n, top_box, top_two_box,
    toInt64(of_rate.1) AS rate_n, of_rate.2 AS rate_worth, of_rate.3 AS rate_peers, of_rate.4 AS rate, of_rate.5 AS rate_expected,
    of_rate.6 AS rate_between, of_rate.7 AS rate_e_value,
    toInt64(of_shape.1) AS shape_n, of_shape.2 AS shape_worth, of_shape.3 AS shape_peers, of_shape.4 AS shape, of_shape.5 AS shape_expected,
    of_shape.6 AS shape_between, of_shape.7 AS shape_e_value,
    evidence AS e_value, greatest_evidence AS e_value_max, greatest_on AS e_value_max_on, if(is_tested, least(1., 1 / greatest_evidence), NULL) AS p_value,
    tests_of_all AS tested, 0.05 AS level, needed AS e_value_needed, CAST(ifNull(evidence >= needed, false), 'Bool') AS named
FROM named_of_all
COMMENT 'Sequential test against peers, of all responses up to a day, as they are known now: SELECT * FROM integrity_from_first_day_as_of(as_of = \'2026-03-31\'). Columns as in integrity_from_first_day.';

CREATE OR REPLACE VIEW integrity_from_first_day${on_cluster}
(
    -- include: first_day_columns
)
AS SELECT *
FROM `${database}`.integrity_from_first_day_as_of(as_of = '2299-12-31')
COMMENT 'Units whose scores are higher than those of honest peers, by a sequential test from their first day on; one row per unit and metric. May be looked at daily: its error rate is meant for all looks together.';

CREATE OR REPLACE VIEW integrity_rings${on_cluster}
(
    `kind` String COMMENT 'device: a personal one, so the channel was neither kiosk, phone nor store. contact: a contact address.',
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
            if(channel IN ('kiosk', 'phone', 'store'), NULL, nullIf(device_hash, '')) AS device, nullIf(contact_hash, '') AS contact
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
