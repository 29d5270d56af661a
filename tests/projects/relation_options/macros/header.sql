{% macro header() %}set variable header_value = {{ var('header_value') }};{% endmacro %}
