{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- Everybody employed on some day of the year, as of 31 December; a leaver's tenure is that of the termination date.
select
    p.scenario_id,
    p.replicate_id,
    {{ simulation_year() }} as simulation_year,
    p.employee_id,
    case when p.termination_date is null then 'active' else 'terminated' end as employment_status,
    case
        when p.is_new_hire and p.termination_date is null then 'new_hire_active'
        when p.is_new_hire then 'new_hire_terminated'
        when p.termination_date is null then 'continuous_active'
        else 'experienced_terminated'
    end as detailed_status,
    p.birth_date,
    p.hire_date,
    p.termination_date,
    p.age_years,
    a.age_band,
    p.tenure_years,
    t.tenure_band,
    p.closing_level as job_level,
    p.level_source,
    p.closing_pay_cents as annual_pay_rate_cents,
    p.prorated_pay_cents,
    p.closing_pay_cents as full_year_equivalent_cents,
    p.below_band,
    p.raise_month,
    p.plan_entry_date,
    p.is_eligible,
    p.closing_rate_e5 as deferral_rate_e5,
    p.enrollment_date,
    p.enrollment_source,
    p.has_declined,
    p.has_opted_out,
    p.opt_out_date,
    p.is_hce,
    p.contribution_cents,
    p.catch_up_cents,
    p.match_cents,
    p.core_cents,
    p.reallocated_cents,
    p.vesting_service_years,
    p.match_vested_e5,
    p.core_vested_e5,
    p.match_credited_cents,
    p.core_credited_cents,
    p.match_forfeited_cents,
    p.core_forfeited_cents,
    p.roth_rate_e5,
    p.auto_escalation_opt_out,
    p.scheduled_hours_per_week,
    p.department,
    p.job_title,
    p.gender
from {{ ref('int_plan_accounts') }} as p
inner join {{ ref('dim_age_band') }} as a
    on a.scenario_id = p.scenario_id and a.replicate_id = p.replicate_id
    and p.age_years >= a.min_age and p.age_years < a.max_age
inner join {{ ref('dim_tenure_band') }} as t
    on t.scenario_id = p.scenario_id and t.replicate_id = p.replicate_id
    and p.tenure_years >= t.min_years and p.tenure_years < t.max_years
