-- In every year, the last pay, level and deferral rate that the ledger gave a person are those of the snapshot; people
-- without such an event have the census's. (check_year rebuilds the whole person while its year runs.)
with last_event as (
    select
        w.scenario_id,
        w.replicate_id,
        w.simulation_year,
        w.employee_id,
        {%- for column in ['amount_after_cents', 'level_after', 'rate_after_e5'] %}
        arg_max(e.{{ column }}, e.effective_date + cast(e.event_sequence as integer) * interval 1 minute)
            filter (where e.{{ column }} is not null) as {{ column }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('fct_workforce_snapshot') }} as w
    inner join {{ ref('fct_yearly_events') }} as e
        on e.scenario_id = w.scenario_id and e.replicate_id = w.replicate_id and e.employee_id = w.employee_id
        and e.simulation_year <= w.simulation_year
    where e.event_type in ('hire', 'promotion', 'raise', 'enrollment', 'escalation', 'opt_out')
    group by all
)

select w.*
from {{ ref('fct_workforce_snapshot') }} as w
left join last_event as e
    on e.scenario_id = w.scenario_id and e.replicate_id = w.replicate_id
    and e.simulation_year = w.simulation_year and e.employee_id = w.employee_id
left join {{ ref('base_workforce') }} as b
    on b.scenario_id = w.scenario_id and b.replicate_id = w.replicate_id and b.employee_id = w.employee_id
where w.annual_pay_rate_cents is distinct from coalesce(e.amount_after_cents, b.annual_pay_rate_cents)
    or w.job_level is distinct from coalesce(e.level_after, b.job_level)
    or w.deferral_rate_e5 is distinct from coalesce(e.rate_after_e5, b.deferral_rate_e5)
