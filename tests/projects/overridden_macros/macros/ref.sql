{% macro ref(name) %}
  {% set relation = builtins.ref(name) %}
  {{ return("(select *, 'ref' as read_by from " ~ relation ~ ")") }}
{% endmacro %}
