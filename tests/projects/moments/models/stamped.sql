select {{ stamp() }}, {{ var('simulation_year') }} as simulation_year
