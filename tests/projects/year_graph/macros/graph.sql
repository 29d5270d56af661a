{% macro is_first() %}{{ return(var('simulation_year') | int == var('first_year') | int) }}{% endmacro %}
{% macro parity() %}{{ return('odd' if var('simulation_year') % 2 else 'even') }}{% endmacro %}
{% macro interest(amount) %}({{ amount }} * {{ var('rate_percent') }} // 100){% endmacro %}
