select 'odd' as word, {{ var('simulation_year') }} as y
