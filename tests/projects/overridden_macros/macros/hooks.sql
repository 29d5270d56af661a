{% macro run_hooks(hooks, inside_transaction=True) %}
  {% if inside_transaction and execute and model.resource_type == 'model' %}
    {% call statement(auto_begin=true) %}insert into hook_calls values ('{{ model.name }}', {{ hooks | length }}, {{ var('simulation_year') }}){% endcall %}
  {% endif %}
{% endmacro %}
