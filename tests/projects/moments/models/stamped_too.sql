{{ config(materialized='view') }}
select {{ stamp() }}, {{ var('simulation_year') }} as simulation_year from {{ ref('stamped') }}
