{{ config(materialized='incremental', unique_key='simulation_year') }}
with recursive counted(n) as (select 1 union all select n + 1 from counted where n < 3)
select n, {{ var('simulation_year') }} as simulation_year from counted order by n limit 2 -- the end