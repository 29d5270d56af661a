select simulation_year, sum(amount) as total, '{{ years_before(2) }}' as before
from {{ ref('pay') }}
where simulation_year = {{ var('simulation_year') }}
  {% if var('simulation_year') > 2024 %}and true{% endif %}
group by all
