select count(*) as n, max(simulation_year) as simulation_year from {{ ref('exported') }}
