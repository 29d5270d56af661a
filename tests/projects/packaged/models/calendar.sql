{{ config(materialized='incremental', unique_key=['year', 'month']) }}
select {{ var('simulation_year') }} as year, month, name, starts, quarter,
  {{ dates.quarter_of('month + 6') }} as half_later
from {{ ref('dates', 'months') }}
