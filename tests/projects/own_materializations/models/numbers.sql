select i as n, {{ var('simulation_year') }} as simulation_year from range(3) as t(i)
