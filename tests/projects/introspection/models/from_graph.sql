{{ config(materialized='view') }}
-- depends_on: {{ ref('facts') }}
{% set names = [] %}
{% if execute %}
  {% for node in graph.nodes.values() if node.resource_type == 'model' %}{% do names.append(node.name) %}{% endfor %}
{% endif %}
select '{{ names | sort | join(" ") }}' as models, {{ values_of(ref('facts'), 'simulation_year') | length }} as years
