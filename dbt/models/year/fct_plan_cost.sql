{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- What the plan costs in the year. People are those active on 31 December; money includes that of leavers.
with counted as (
    select
        w.scenario_id,
        w.replicate_id,
        count(*) filter (where employment_status = 'active') as headcount,
        sum(prorated_pay_cents) as payroll_cents,
        count(*) filter (where employment_status = 'active' and is_eligible) as eligible,
        count(*) filter (where employment_status = 'active' and is_eligible and deferral_rate_e5 > 0) as participants,
        sum(deferral_rate_e5) filter (where employment_status = 'active' and is_eligible and deferral_rate_e5 > 0)
            as deferral_rates_e5,
        sum(contribution_cents) as employee_contributions_cents,
        sum(catch_up_cents) as catch_up_cents,
        sum(match_cents) as match_cents,
        sum(core_cents) as core_cents,
        sum(reallocated_cents) as reallocated_cents,
        sum(match_forfeited_cents + core_forfeited_cents) as forfeited_cents,
        count(*) filter (where employment_status = 'active' and is_hce) as hce_count
    from {{ ref('fct_workforce_snapshot') }} as w
    where w.simulation_year = {{ simulation_year() }}
    group by w.scenario_id, w.replicate_id
),

summed as (
    select
        f.scenario_id,
        f.replicate_id,
        f.simulation_year,
        f.available_cents,
        s.forfeiture_policy,
        l.is_estimated,
        {%- for count in ['headcount', 'payroll_cents', 'eligible', 'participants', 'deferral_rates_e5',
                          'employee_contributions_cents', 'catch_up_cents', 'match_cents', 'core_cents',
                          'reallocated_cents', 'forfeited_cents', 'hce_count'] %}
        cast(coalesce(c.{{ count }}, 0) as bigint) as {{ count }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('int_forfeitures_available') }} as f
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = f.scenario_id and s.replicate_id = f.replicate_id
    inner join {{ ref('dim_irs_limit') }} as l
        on l.scenario_id = f.scenario_id and l.replicate_id = f.replicate_id
        and l.limit_year = f.simulation_year
    left join counted as c on c.scenario_id = f.scenario_id and c.replicate_id = f.replicate_id
),

used as (
    select
        *,
        match_cents + core_cents as employer_gross_cents,
        case forfeiture_policy
            when 'reduce' then least(available_cents, match_cents + core_cents)
            when 'expenses' then available_cents
            when 'reallocate' then reallocated_cents
        end as used_cents
    from summed
),

netted as (
    select
        *,
        employer_gross_cents - case when forfeiture_policy = 'reduce' then used_cents else 0 end as net_cents
    from used
)

select
    scenario_id,
    replicate_id,
    simulation_year,
    headcount,
    payroll_cents,
    eligible,
    participants,
    cast(case when eligible > 0 then {{ div_round('participants * 100000', 'eligible') }} else 0 end as integer)
        as participation_rate_e5,
    cast(case when participants > 0 then {{ div_round('deferral_rates_e5', 'participants') }} else 0 end as integer)
        as average_deferral_e5,
    employee_contributions_cents,
    catch_up_cents,
    match_cents,
    core_cents,
    reallocated_cents,
    employer_gross_cents,
    forfeited_cents,
    available_cents as forfeitures_available_cents,
    used_cents as forfeitures_used_cents,
    available_cents - used_cents as forfeitures_carried_cents,
    net_cents as net_employer_cost_cents,
    cast(case when payroll_cents > 0
        then {{ div_round('cast(net_cents as hugeint) * 100000', 'payroll_cents') }} else 0 end as bigint)
        as net_cost_share_e5,
    hce_count,
    is_estimated as limits_estimated
from netted
