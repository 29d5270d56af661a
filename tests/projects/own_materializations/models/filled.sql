{{ config(materialized='refilled') }}
select n, simulation_year from {{ ref('numbers') }}
