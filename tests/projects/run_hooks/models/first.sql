select n + {{ var('simulation_year') }} as y, (select count(*) from invocations) as seen from {{ ref('numbers') }}
