{{ config(materialized='view') }}
select grade, people, simulation_year from {{ ref('asked') }}
