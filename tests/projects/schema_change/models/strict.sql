{{ config(on_schema_change='fail') }}
select n as id, {{ var('simulation_year') }} as simulation_year{{ ", 'more' as more" if var('strict_changes', false) and var('simulation_year') > 2025 }}
from {{ ref('numbers') }}
