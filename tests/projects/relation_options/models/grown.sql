{{ config(materialized='incremental', unique_key='simulation_year', indexes=[{'columns': ['id']}, {'columns': ['simulation_year', 'id'], 'unique': true}]) }}
select id, {{ var('simulation_year') }} as simulation_year from {{ ref('documented') }}
