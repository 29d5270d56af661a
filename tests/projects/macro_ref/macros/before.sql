{% macro chosen_model() %}{{ return('odd' if var('simulation_year') % 2 else 'even') }}{% endmacro %}
{% macro from_chosen() %}select * from {{ ref(chosen_model()) }}{% endmacro %}
