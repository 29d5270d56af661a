{{ config(incremental_strategy='append') }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
