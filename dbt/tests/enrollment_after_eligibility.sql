-- Nobody enrols before the day of entry, that of the census or of the ledger.
select e.*
from {{ ref('fct_yearly_events') }} as e
left join {{ ref('base_workforce') }} as b
    on b.scenario_id = e.scenario_id and b.replicate_id = e.replicate_id and b.employee_id = e.employee_id
left join {{ ref('dim_scenario') }} as s
    on s.scenario_id = e.scenario_id and s.replicate_id = e.replicate_id
left join {{ ref('fct_yearly_events') }} as i
    on i.scenario_id = e.scenario_id and i.replicate_id = e.replicate_id and i.employee_id = e.employee_id
    and i.event_type = 'eligibility'
where e.event_type = 'enrollment'
    and not coalesce(
        e.effective_date >= i.effective_date,
        b.plan_entry_date < make_date(s.first_year, 1, 1),
        false
    )
