-- What each person's account is credited: reallocated forfeitures, the cuts to the limit of annual additions (core
-- first, then match, then the employee), vesting, and what a leaver forfeits.
with sharing as (
    select
        p.scenario_id,
        p.replicate_id,
        p.employee_id,
        cast(f.available_cents as hugeint) * p.plan_pay_cents as quota,
        sum(p.plan_pay_cents) over (partition by p.scenario_id, p.replicate_id) as total_pay_cents,
        f.available_cents
    from {{ ref('int_plan_contributions') }} as p
    inner join {{ ref('int_forfeitures_available') }} as f
        on f.scenario_id = p.scenario_id and f.replicate_id = p.replicate_id
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = p.scenario_id and s.replicate_id = p.replicate_id
    where s.forfeiture_policy = 'reallocate'
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
            p.contribution_cents - p.catch_up_cents + p.formula_match_cents + p.formula_core_cents
            + cast(least(coalesce(h.share_cents, 0), p.annual_additions_room_cents) as bigint)
            - p.annual_additions_room_cents,
            0
        ) as excess_cents
    from {{ ref('int_plan_contributions') }} as p
    left join shared as h
        on h.scenario_id = p.scenario_id and h.replicate_id = p.replicate_id and h.employee_id = p.employee_id
),

cut as (
    select
        *,
        least(excess_cents, formula_core_cents) as core_cut_cents,
        least(greatest(excess_cents - formula_core_cents, 0), formula_match_cents) as match_cut_cents,
        greatest(excess_cents - formula_core_cents - formula_match_cents, 0) as contribution_cut_cents
    from limited
),

-- A calendar year counts with enough hours: the year of hire and this one by the days employed, those between in
-- full, where the days cancel.
served as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        w.termination_date,
        w.match_credited_cents,
        w.core_credited_cents,
        {{ completed_years('w.birth_date', 'coalesce(w.termination_date, ' ~ year_end() ~ ')') }} >= s.vesting_full_age
            as is_past_full_age,
        cast({{ has_hours(
            'w.scheduled_hours_per_week', 'coalesce(w.termination_date, ' ~ year_end() ~ ') + 1 - w.start_date',
            's.vesting_min_hours', days_in_year()
        ) }} as integer)
        + case when year(w.hire_date) < {{ simulation_year() }}
            then cast({{ has_hours(
                'w.scheduled_hours_per_week', 'make_date(year(w.hire_date), 12, 31) + 1 - w.hire_date',
                's.vesting_min_hours',
                'make_date(year(w.hire_date), 12, 31) + 1 - make_date(year(w.hire_date), 1, 1)'
            ) }} as integer)
            + ({{ simulation_year() - 1 }} - year(w.hire_date))
            * cast({{ has_hours('w.scheduled_hours_per_week', '1', 's.vesting_min_hours', '1') }} as integer)
            else 0 end as service_years
    from {{ ref('int_workforce_year') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
),

steps as (
    select
        scenario_id,
        replicate_id,
        money_source,
        service_years as from_years,
        coalesce(
            lead(service_years) over (partition by scenario_id, replicate_id, money_source order by service_years),
            9999
        ) as until_years,
        vested_e5
    from {{ ref('dim_vesting_step') }}
),

vested as (
    select
        v.* exclude (is_past_full_age),
        case when v.is_past_full_age then 100000 else coalesce(m.vested_e5, 0) end as match_vested_e5,
        case when v.is_past_full_age then 100000 else coalesce(k.vested_e5, 0) end as core_vested_e5
    from served as v
    left join steps as m
        on m.scenario_id = v.scenario_id and m.replicate_id = v.replicate_id and m.money_source = 'match'
        and v.service_years >= m.from_years and v.service_years < m.until_years
    left join steps as k
        on k.scenario_id = v.scenario_id and k.replicate_id = v.replicate_id and k.money_source = 'core'
        and v.service_years >= k.from_years and v.service_years < k.until_years
),

credited as (
    select
        c.*,
        v.termination_date,
        v.service_years,
        v.match_vested_e5,
        v.core_vested_e5,
        v.match_credited_cents + c.formula_match_cents - c.match_cut_cents as match_credited_cents,
        v.core_credited_cents + c.formula_core_cents - c.core_cut_cents as core_credited_cents
    from cut as c
    inner join vested as v
        on v.scenario_id = c.scenario_id and v.replicate_id = c.replicate_id and v.employee_id = c.employee_id
)

select
    scenario_id,
    replicate_id,
    simulation_year,
    employee_id,
    is_hce,
    contribution_cents - contribution_cut_cents as contribution_cents,
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
