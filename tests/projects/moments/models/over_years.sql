select count(distinct invocation) as invocations, count(distinct started) as starts, count(distinct rendered) as renderings, max(simulation_year) as simulation_year from {{ ref('history') }}
