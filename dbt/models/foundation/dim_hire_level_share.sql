-- How many people of the census hold each level: the mix that hires follow under `census`.
select
    l.scenario_id,
    l.replicate_id,
    l.level,
    count(w.employee_id) as headcount
from {{ ref('dim_job_level') }} as l
left join {{ ref('base_workforce') }} as w
    on w.scenario_id = l.scenario_id and w.replicate_id = l.replicate_id and w.job_level = l.level
group by all
