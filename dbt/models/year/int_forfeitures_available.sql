-- What forfeitures of earlier years there are to use: what was carried on, and what the year before added.
{%- set previous_cost = source('previous_year', 'fct_plan_cost') %}
{%- set has_previous = execute and load_relation(previous_cost) is not none %}
select
    s.scenario_id,
    s.replicate_id,
    {{ simulation_year() }} as simulation_year,
    {%- if has_previous %}
    case when s.first_year < {{ simulation_year() }}
        then coalesce(c.forfeitures_carried_cents + c.forfeited_cents, 0) else 0 end as available_cents
    {%- else %}
    cast(0 as bigint) as available_cents
    {%- endif %}
from {{ ref('dim_scenario') }} as s
{%- if has_previous %}
left join {{ previous_cost }} as c
    on c.scenario_id = s.scenario_id and c.replicate_id = s.replicate_id
    and c.simulation_year = {{ simulation_year() - 1 }}
{%- endif %}
where s.first_year <= {{ simulation_year() }}
