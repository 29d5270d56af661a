-- Nobody enrols who is enrolled: by the end of any year a person has at most one enrolment more than opt-outs, that of
-- the census counted.
with elections as (
    select scenario_id, replicate_id, employee_id, 1 as opened
    from {{ ref('base_workforce') }}
    where enrollment_date is not null

    union all

    select scenario_id, replicate_id, employee_id, case event_type when 'enrollment' then 1 else -1 end
    from {{ ref('fct_yearly_events') }}
    where event_type in ('enrollment', 'opt_out')
)

select scenario_id, replicate_id, employee_id
from elections
group by all
having sum(opened) not in (0, 1)
