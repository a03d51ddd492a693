    -- Half the width of a 95 % interval in standard errors: Student's t, from a table up to 10 degrees of freedom, then by its series around the normal (Abramowitz and Stegun 26.7.5).
    freedom -> if(
        freedom <= 10, [12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139][toUInt8(greatest(least(freedom, 10), 1))],
        1.959964 + 2.3722712787051083 / freedom + 2.8224987053284156 / pow(freedom, 2) + 2.5558497911596096 / pow(freedom, 3) + 1.5895341454947804 / pow(freedom, 4)
    ) AS student,
