{% macro star(relation, without=[]) %}
  {%- for column in adapter.get_columns_in_relation(relation) if column.name not in without -%}
    {{ adapter.quote(column.name) }}{{ ", " if not loop.last }}
  {%- endfor -%}
{% endmacro %}
