{{ config(materialized='table') }}
with paid as (select * from {{ ref('paid') }})
select simulation_year, following, sum(pay) as pay, (select any_value(people) from {{ ref('asked') }}) as people
from paid group by all
