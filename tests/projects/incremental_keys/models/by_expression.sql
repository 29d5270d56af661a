{{ config(incremental_strategy='delete+insert', unique_key='id % 2') }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
