select simulation_year + {{ var('step') }} as following, simulation_year from {{ ref('this_year') }}
