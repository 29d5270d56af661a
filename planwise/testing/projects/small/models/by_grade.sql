select simulation_year, grade, count(*) as people, sum(pay) as pay
from {{ ref('pay') }} where simulation_year = {{ var('simulation_year') }} group by all
