-- Made by `candor contracts`; do not edit.
select
    unit_id as unit,
    account_id as account,
    survey_id as survey,
    day as given_on,
    channel,
    metric as score_metric,
    language,
    case when class is not null then 1 else 0 end as survey_nps_n,
    case when class = 'promoter' then 100 when class = 'detractor' then -100 else 0 end as survey_nps_points,
    1 as survey_n,
    case when top_two_box then 1 else 0 end as survey_top_two_box_n
from {{ source('candor', 'responses') }}
where not withdrawn and not synthetic and metric is not null
