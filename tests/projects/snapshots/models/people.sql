select i as id, 1000 + i * 10 + case when i % 2 = 0 then {{ var('simulation_year') }} - 2025 else 0 end * {{ var('raise') }} as pay,
  {{ first_of(var('simulation_year')) }} as moment
from range({{ 6 - (var('simulation_year') - 2025) }}) as t(i)
