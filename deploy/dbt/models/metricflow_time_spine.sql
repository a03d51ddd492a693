{{ config(materialized='view') }}
-- Every day that a metric may be asked for: semantic models of dbt must have it.
select toDate32('2000-01-01') + toIntervalDay(number) as day
from numbers(36525)
