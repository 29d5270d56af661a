{# Makes a table the first time, with a marker; adds to it ever after, with another. #}
{% materialization refilled, adapter='duckdb' %}
  {%- set target_relation = this.incorporate(type='table') -%}
  {%- set existing = load_cached_relation(this) -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% if existing is none %}
    {% call statement('main') %}create table {{ target_relation }} as select *, {{ var('marker') }} as marker from ({{ compiled_code }}){% endcall %}
  {% else %}
    {% call statement('main') %}insert into {{ target_relation }} select *, -1 from ({{ compiled_code }}){% endcall %}
  {% endif %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
