{{ config(materialized='incremental', unique_key='Simulation Year') }}
{{ config(unique_key='"Simulation Year"') }}
select p.id, y.* from {{ source('loaded', 'pay') }} as y join {{ ref('people') }} as p on p.id = y."person id"
where y."Simulation Year" = {{ var('simulation_year') }}
