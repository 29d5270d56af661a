select * from {{ ref('high' if var('simulation_year') % 2 else 'zz_low') }}
