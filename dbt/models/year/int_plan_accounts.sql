-- Everybody of the year with all that the steps before found out, and what each account is credited: reallocated
-- forfeitures, the cuts to the limit of annual additions (core first, then match, then the employee), vesting, and what
-- a leaver forfeits.
{#- What the models behind read of each person: identity, pay, plan #}
{%- set carried = [
    'is_new_hire', 'birth_date', 'hire_date', 'termination_date', 'termination_reason', 'level_source', 'raise_month',
    'roth_rate_e5', 'auto_escalation_opt_out', 'scheduled_hours_per_week', 'department', 'job_title', 'gender',
    'age_years', 'tenure_years',
    'opening_level', 'closing_level', 'opening_pay_cents', 'january_pay_cents', 'promoted_pay_cents',
    'closing_pay_cents', 'has_raise', 'raise_date', 'is_promoted', 'below_band', 'prorated_pay_cents',
    'plan_entry_date', 'is_eligible', 'becomes_eligible', 'escalates', 'is_voluntary', 'is_automatic', 'opts_out',
    'opening_rate_e5', 'rate_of_year_e5', 'closing_rate_e5', 'enrollment_date', 'enrollment_source', 'has_declined',
    'has_opted_out', 'opt_out_date', 'deferring_from', 'deferring_until',
    'plan_pay_cents', 'raw_contribution_cents', 'limited_contribution_cents',
    'annual_additions_room_cents', 'formula_match_cents', 'formula_core_cents', 'is_hce',
] %}
with contributions as (
    select *
    from {{ ref('int_plan_contributions') }}
),

sharing as (
    select
        p.scenario_id,
        p.replicate_id,
        p.employee_id,
        cast(f.available_cents as hugeint) * p.plan_pay_cents as quota,
        sum(p.plan_pay_cents) over (partition by p.scenario_id, p.replicate_id) as total_pay_cents,
        f.available_cents
    from contributions as p
    inner join {{ ref('int_forfeitures_available') }} as f
        on f.scenario_id = p.scenario_id and f.replicate_id = p.replicate_id
    where p.forfeiture_policy = 'reallocate'
        and f.available_cents > 0
        and p.formula_match_cents + p.formula_core_cents > 0
),

-- By largest remainder, so that the parts add up to the whole
shared as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        quota // total_pay_cents + cast(
            row_number() over (
                partition by scenario_id, replicate_id order by quota % total_pay_cents desc, employee_id
            ) <= available_cents - sum(quota // total_pay_cents) over (partition by scenario_id, replicate_id)
        as integer) as share_cents
    from sharing
),

limited as (
    select
        p.*,
        cast(coalesce(h.share_cents, 0) as bigint) as share_cents,
        cast(least(coalesce(h.share_cents, 0), p.annual_additions_room_cents) as bigint) as reallocated_cents,
        greatest(
            p.limited_contribution_cents - p.catch_up_cents + p.formula_match_cents + p.formula_core_cents
            + cast(least(coalesce(h.share_cents, 0), p.annual_additions_room_cents) as bigint)
            - p.annual_additions_room_cents,
            0
        ) as excess_cents
    from contributions as p
    left join shared as h
        on h.scenario_id = p.scenario_id and h.replicate_id = p.replicate_id and h.employee_id = p.employee_id
),

-- What is vested of either source from so many years of service on
vested as (
    select
        scenario_id,
        replicate_id,
        service_years as from_years,
        lead(service_years, 1, 9999) over in_order as until_years,
        last_value(match_e5 ignore nulls) over in_order as match_e5,
        last_value(core_e5 ignore nulls) over in_order as core_e5
    from (
        select
            scenario_id,
            replicate_id,
            service_years,
            max(vested_e5) filter (where money_source = 'match') as match_e5,
            max(vested_e5) filter (where money_source = 'core') as core_e5
        from {{ ref('dim_vesting_step') }}
        group by all
    )
    window in_order as (partition by scenario_id, replicate_id order by service_years)
),

credited as (
    select
        l.* exclude (match_credited_cents, core_credited_cents),
        least(l.excess_cents, l.formula_core_cents) as core_cut_cents,
        least(greatest(l.excess_cents - l.formula_core_cents, 0), l.formula_match_cents) as match_cut_cents,
        greatest(l.excess_cents - l.formula_core_cents - l.formula_match_cents, 0) as contribution_cut_cents,
        case when l.is_past_full_age then 100000 else coalesce(v.match_e5, 0) end as match_vested_e5,
        case when l.is_past_full_age then 100000 else coalesce(v.core_e5, 0) end as core_vested_e5,
        l.match_credited_cents + l.formula_match_cents - match_cut_cents as match_credited_cents,
        l.core_credited_cents + l.formula_core_cents - core_cut_cents as core_credited_cents
    from limited as l
    left join vested as v
        on v.scenario_id = l.scenario_id and v.replicate_id = l.replicate_id
        and l.service_years >= v.from_years and l.service_years < v.until_years
)

select
    scenario_id,
    replicate_id,
    simulation_year,
    employee_id,
    {%- for column in carried %}
    {{ column }},
    {%- endfor %}
    limited_contribution_cents - contribution_cut_cents as contribution_cents,
    catch_up_cents,
    formula_match_cents - match_cut_cents as match_cents,
    formula_core_cents - core_cut_cents as core_cents,
    share_cents,
    reallocated_cents,
    contribution_cut_cents,
    match_cut_cents,
    core_cut_cents,
    cast(service_years as integer) as vesting_service_years,
    cast(match_vested_e5 as integer) as match_vested_e5,
    cast(core_vested_e5 as integer) as core_vested_e5,
    match_credited_cents,
    core_credited_cents,
    case when termination_date is null then 0
        else cast({{ div_round('cast(match_credited_cents as hugeint) * (100000 - match_vested_e5)', '100000') }} as bigint)
        end as match_forfeited_cents,
    case when termination_date is null then 0
        else cast({{ div_round('cast(core_credited_cents as hugeint) * (100000 - core_vested_e5)', '100000') }} as bigint)
        end as core_forfeited_cents
from credited
