select id::integer as person, (age * 1000 + {{ var('simulation_year') }})::decimal(12, 2) as pay from {{ ref('people') }}
