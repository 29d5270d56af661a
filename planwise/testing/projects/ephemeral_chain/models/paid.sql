with graded as (select * from {{ ref('people') }}),
priced as (select *, {{ pay_of('grade') }} as pay from graded)
select p.*, y.simulation_year, y.following from priced as p, {{ ref('next_year') }} as y
