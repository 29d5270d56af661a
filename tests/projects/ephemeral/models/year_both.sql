{{ config(materialized='ephemeral') }}
select n.simulation_year, n.following, '{{ var("simulation_year") }}' as text
from {{ ref('year_next') }} as n join {{ ref('year_now') }} as w using (simulation_year)
