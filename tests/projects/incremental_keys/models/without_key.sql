{{ config(incremental_strategy='delete+insert') }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
