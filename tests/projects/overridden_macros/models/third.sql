{{ config(materialized='incremental', unique_key='simulation_year') }}
select 1 as one, simulation_year from {{ ref('second') }}
