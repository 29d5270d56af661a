{{ config(materialized='incremental', unique_key='grade', incremental_strategy='delete+insert') }}
select case when id % 2 = 0 then 'even' when id = 3 then null else 'odd' end as grade, amount, simulation_year
from {{ ref('current_ledger') }}
