{{ config(materialized='incremental', unique_key='simulation_year') }}
select {{ var('simulation_year') }} as simulation_year, sum(id) as ids, max(label) as label, (select sum("Order") from {{ ref('quoted') }}) as orders
from {{ ref('inferred') }}
