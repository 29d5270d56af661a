{{ config(materialized='incremental', unique_key='simulation_year') }}
{% if is_incremental() %}
select simulation_year + 1 as simulation_year, id, {{ grown('amount') }} as amount
from {{ this }} where simulation_year = {{ var('simulation_year') - 1 }}
{% else %}
select {{ var('simulation_year') }} as simulation_year, i as id, ({{ var('start') }} + i)::integer as amount
from range(4) as t(i)
{% endif %}
