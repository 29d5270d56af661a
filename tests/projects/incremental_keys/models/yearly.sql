{{ config(materialized='table') }}
select * from {{ ref('changes') }} where simulation_year = {{ var('simulation_year') }}
