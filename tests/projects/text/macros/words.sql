{% macro word() %}'w;ord'{% endmacro %}
