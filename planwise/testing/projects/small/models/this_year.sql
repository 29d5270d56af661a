{{ config(materialized='ephemeral') }}
select {{ var('simulation_year') }} as simulation_year, {{ var('simulation_year') - 1 }} as year_before
