select 'low ' || {{ var('simulation_year') }} as word
