-- From the opt-out on nobody is enrolled, escalated or opted out again, in any year.
select e.*
from {{ ref('fct_yearly_events') }} as e
inner join {{ ref('fct_yearly_events') }} as o
    on o.scenario_id = e.scenario_id and o.replicate_id = e.replicate_id and o.employee_id = e.employee_id
where o.event_type = 'opt_out'
    and e.event_type in ('enrollment', 'escalation', 'opt_out')
    and e.event_id <> o.event_id
    and e.effective_date >= o.effective_date
