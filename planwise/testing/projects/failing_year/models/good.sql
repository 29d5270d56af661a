select {{ var('simulation_year') }} as y
