select 'high ' || {{ var('simulation_year') }} as word
