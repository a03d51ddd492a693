    `as_of` Date32 COMMENT 'The local day of the newest event of any account: the last day of the window, which may have only just begun.',
    `accounts` Int64 COMMENT 'Its accounts, those that did nothing included: the n of engagement.',
    `active_accounts` Int64 COMMENT 'Of these, accounts that were active on a day or more of the last 28.',
    `active_days` Int64 COMMENT 'Sum of their active days.',
    `active_days_squares` Int64 COMMENT 'Sum of the squares of the active days of each account, for variances.',
    `engagement` Float64 COMMENT 'active_days / (28 accounts), 0 to 1: the mean engagement of its accounts. Never sum or average it: compute it again from the sums.',
    `engagement_low` Nullable(Float64) COMMENT 'Lower end of its 95 % interval (Student\'s t over accounts), not below 0. NULL of one account, and where all were active on equally many days.',
    `engagement_high` Nullable(Float64) COMMENT 'Upper end of its 95 % interval (Student\'s t over accounts), not above 1. NULL where engagement_low is.'
