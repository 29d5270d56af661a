{{ config(materialized='table' if var('simulation_year') == 2025 else 'incremental', unique_key='id') }}
select id, {{ var('simulation_year') }} as simulation_year from {{ ref('turning') }}
