-- Each year after a scenario's first opens with the people whom the year before it closed with.
select h.*
from {{ ref('fct_headcount') }} as h
inner join {{ ref('dim_scenario') }} as s
    on s.scenario_id = h.scenario_id and s.replicate_id = h.replicate_id
left join {{ ref('fct_headcount') }} as b
    on b.scenario_id = h.scenario_id and b.replicate_id = h.replicate_id
    and b.simulation_year = h.simulation_year - 1
where h.simulation_year > s.first_year and h.opening is distinct from b.closing
