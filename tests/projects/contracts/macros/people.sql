{% macro named(column) %}'person ' || {{ column }}{% endmacro %}
