{# Bands of each scenario and replicate start at 0, and each starts where the one before it ends. #}
{% test bands_are_complete(model, lower, upper) %}
select *
from (
    select
        *,
        coalesce(lag({{ upper }}) over (partition by scenario_id, replicate_id order by {{ lower }}), 0) as expected_lower
    from {{ model }}
)
where {{ lower }} <> expected_lower or {{ lower }} >= {{ upper }}
{% endtest %}
