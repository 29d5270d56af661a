{{ config(materialized='incremental', unique_key='simulation_year', full_refresh=true) }}
select {{ var('simulation_year') }} as simulation_year, {{ 1 if is_incremental() else 0 }} as incremental
