{{ config(incremental_strategy='delete+insert', unique_key='id') }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
