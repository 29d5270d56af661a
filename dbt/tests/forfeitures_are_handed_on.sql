-- Each year has the forfeitures that the year before carried on and added; a scenario's first year has none.
select c.*
from {{ ref('fct_plan_cost') }} as c
inner join {{ ref('dim_scenario') }} as s
    on s.scenario_id = c.scenario_id and s.replicate_id = c.replicate_id
left join {{ ref('fct_plan_cost') }} as b
    on b.scenario_id = c.scenario_id and b.replicate_id = c.replicate_id
    and b.simulation_year = c.simulation_year - 1
where c.forfeitures_available_cents is distinct from case
    when c.simulation_year > s.first_year then b.forfeitures_carried_cents + b.forfeited_cents
    else 0
end
