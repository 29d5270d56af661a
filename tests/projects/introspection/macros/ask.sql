{% macro values_of(relation, column) %}
  {% if not execute %}{{ return([]) }}{% endif %}
  {% set found = run_query("select distinct " ~ column ~ " from " ~ relation ~ " order by 1") %}
  {{ return(found.columns[0].values()) }}
{% endmacro %}
{% macro column_names(relation) %}
  {% set names = [] %}
  {% for column in adapter.get_columns_in_relation(relation) %}{% do names.append(column.name ~ ':' ~ column.dtype) %}{% endfor %}
  {{ return(names | join(' ')) }}
{% endmacro %}
