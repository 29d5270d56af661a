{{ config(materialized='ephemeral') }}
select b.id, b.grade, {{ this_year() }} as simulation_year from {{ ref('base') }} as b
