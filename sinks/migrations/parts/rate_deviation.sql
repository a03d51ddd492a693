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
