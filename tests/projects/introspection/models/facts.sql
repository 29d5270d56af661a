select y as simulation_year, measure, y % 100 * factor as value
  {% if var('simulation_year') > 2025 %}, 'later' as era{% endif %}
from {{ ref('measures') }}, range(2024, {{ var('simulation_year') }} + 1) as years(y)
