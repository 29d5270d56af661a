{{ config(materialized='ephemeral') }}
-- Everybody employed on some day of the year, with the day the person's year starts and the termination, if any.
{%- set carried = [
    'employee_id', 'birth_date', 'hire_date', 'job_level', 'level_source', 'annual_pay_rate_cents', 'raise_month',
    'deferral_rate_e5', 'enrollment_date', 'roth_rate_e5', 'auto_escalation_opt_out', 'scheduled_hours_per_week',
    'department', 'job_title', 'gender', 'plan_entry_date',
] %}

select
    w.scenario_id,
    w.replicate_id,
    {%- for column in carried %}
    w.{{ column }},
    {%- endfor %}
    w.enrollment_source,
    w.has_declined,
    w.has_opted_out,
    w.opt_out_date,
    w.prior_prorated_pay_cents,
    w.match_credited_cents,
    w.core_credited_cents,
    false as is_new_hire,
    {{ year_start() }} as start_date,
    l.termination_date,
    l.termination_reason
from {{ ref('int_opening_workforce') }} as w
left join {{ ref('int_experienced_leavers') }} as l
    on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id and l.employee_id = w.employee_id

union all

select
    w.scenario_id,
    w.replicate_id,
    {%- for column in carried %}
    w.{{ column }},
    {%- endfor %}
    null, false, false, null, null, 0, 0,
    true as is_new_hire,
    w.hire_date as start_date,
    l.termination_date,
    l.termination_reason
from {{ ref('int_hires') }} as w
left join {{ ref('int_new_hire_leavers') }} as l
    on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id and l.employee_id = w.employee_id
