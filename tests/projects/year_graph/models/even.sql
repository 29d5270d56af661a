select 'even' as word, {{ var('simulation_year') }} as y
