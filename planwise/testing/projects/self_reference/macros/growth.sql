{% macro grown(column) %}({{ column }} + {{ column }} // 10){% endmacro %}
