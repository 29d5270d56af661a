{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) %}
  create {{ 'temporary' if temporary }} table {{ relation.include(database=(not temporary), schema=(not temporary)) }} as (
    select *{{ ", 'made' as made_by" if not temporary }}{{ ", 'temporary' as made_by" if temporary }} from (
{{ compiled_code }}
    )
  );
{% endmacro %}
