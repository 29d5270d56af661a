{{ config(materialized='incremental', unique_key='simulation_year') }}
select pay, {{ var('simulation_year') }} as simulation_year from {{ ref('jobs') }}
