{{ config(materialized='ephemeral') }}
select simulation_year, simulation_year + 1 as following from {{ ref('year_now') }}
