-- Made by `candor contracts`; do not edit.
select
    unit_id as unit,
    account_id as account,
    day as sent_on,
    channel,
    1 as invitations_n,
    case when answered then 1 else 0 end as invitations_answered
from {{ source('candor', 'invitation_outcomes') }}
