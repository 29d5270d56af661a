{% macro yearly_columns(vanishing=true) %}
  {%- set year = var('simulation_year') | int -%}
  {% if year > 2025 %}n * 1.5 as appeared, {% endif -%}
  n as id,
  {% if year < 2027 or not vanishing %}'kept ' || n as vanishing, {% endif -%}
  {{ year }} + n{{ '::integer' if year < 2026 else '::bigint' }} as amount
{% endmacro %}
