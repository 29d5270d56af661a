{% macro ref(name) %}
  {% set relation = builtins.ref(name) %}
  {{ return(api.Relation.create(database=none, schema=relation.schema, identifier=relation.identifier)) }}
{% endmacro %}
