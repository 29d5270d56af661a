select i::integer as id, {{ named('i') }} as name, (20 + i + {{ var('offset') }})::bigint as age,
  {{ var('simulation_year') }}::smallint as "Start Year"
from range(3) as t(i)
