{# The shares of each scenario and replicate, in units of 1e-6, add up to exactly 1. #}
{% test sums_to_one(model, column_name) %}
select scenario_id, replicate_id, sum({{ column_name }}) as total
from {{ model }}
group by scenario_id, replicate_id
having sum({{ column_name }}) <> 1000000
{% endtest %}
