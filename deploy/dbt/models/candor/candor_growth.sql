-- Made by `candor contracts`; do not edit.
select
    month as growth_month,
    is_over as growth_month_is_over,
    revenue,
    gross_revenue,
    induced_revenue,
    case when base > 0 then base else 0 end as base_revenue,
    case when base > 0 then kept_revenue else 0 end as kept_base_revenue,
    case when base > 0 then kept_revenue_capped else 0 end as kept_capped_base_revenue,
    case when base > 0 then earned_new_revenue else 0 end as earned_new_base_revenue,
    case when base > 0 then bought_new_revenue else 0 end as bought_new_base_revenue,
    case when base > 0 then kept_revenue + earned_new_revenue - base else 0 end as earned_growth_revenue,
    customers_kept,
    customers_before,
    customers
from {{ source('candor', 'growth_monthly') }}
