select i as n, {{ var('simulation_year') }} as y from range(5) as t(i)
