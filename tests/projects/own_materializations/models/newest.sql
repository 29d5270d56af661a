{{ config(materialized='incremental', incremental_strategy='newest') }}
select n, simulation_year from {{ ref('numbers') }}
