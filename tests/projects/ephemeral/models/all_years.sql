{{ config(materialized='incremental', incremental_strategy='append') }}
select *, (select count(*) from {{ ref('current_year') }} join {{ ref('year_now') }} using (simulation_year)) as matches
from {{ ref('year_both') }}
