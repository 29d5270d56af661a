{{ config(materialized='incremental', incremental_strategy='append') }}
select simulation_year, id, 'raise' as kind from {{ ref('pay') }}
where simulation_year = {{ var('simulation_year') }}
