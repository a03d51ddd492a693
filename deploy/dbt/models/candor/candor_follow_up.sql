-- Made by `candor contracts`; do not edit.
select
    programme,
    month as follow_up_month,
    due as cases_due,
    in_sla as cases_in_sla,
    detractors_contacted,
    rescued as detractors_rescued,
    acted_upon,
    told,
    feedback_debt
from {{ source('candor', 'follow_up') }}
