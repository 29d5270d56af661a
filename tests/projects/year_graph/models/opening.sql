select account, amount, {{ var('simulation_year') }} as simulation_year from {{ ref('openings') }}
