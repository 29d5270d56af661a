select count(*) as row_count, sum(n) as total,
  (select max(row_count) from audit where model = 'trimmed' and simulation_year = {{ var('simulation_year') }}) as audited
from {{ ref('trimmed') }}
