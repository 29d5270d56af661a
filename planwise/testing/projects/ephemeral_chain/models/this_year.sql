select {{ var('simulation_year') }} as simulation_year
