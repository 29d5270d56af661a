-- On the termination date and after it, nothing but the termination happens to a person, in any year; the money of the
-- year is booked on that date.
select e.*
from {{ ref('fct_yearly_events') }} as e
inner join {{ ref('fct_yearly_events') }} as t
    on t.scenario_id = e.scenario_id and t.replicate_id = e.replicate_id and t.employee_id = e.employee_id
where t.event_type = 'termination'
    and e.event_id <> t.event_id
    and e.effective_date >= t.effective_date + cast(
        e.event_type in ('contribution', 'match', 'core', 'reallocation', 'limit_cut', 'forfeiture') as integer
    )
