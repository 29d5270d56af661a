-- Employee contributions after the elective limit, and what the formulas of match and core give on them, before
-- anything is cut. One row for everybody of the year. A match is one calculation for the whole year.
with people as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        c.prorated_pay_cents,
        e.is_eligible,
        w.prior_prorated_pay_cents > p.hce_cents as is_hce,
        {{ completed_years('w.birth_date', year_end()) }} as age_years,
        {{ completed_years('w.hire_date', 'coalesce(w.termination_date, ' ~ year_end() ~ ')') }} as tenure_years,
        least(c.prorated_pay_cents, l.compensation_cents) as plan_pay_cents,
        l.compensation_cents,
        l.elective_cents,
        case
            when {{ completed_years('w.birth_date', year_end()) }} between 60 and 63 then l.catch_up_60_63_cents
            when {{ completed_years('w.birth_date', year_end()) }} >= 50 then l.catch_up_50_cents
            else 0
        end as catch_up_limit_cents,
        least(l.annual_additions_cents, c.prorated_pay_cents) as annual_additions_room_cents,
        l.ss_wage_base_cents,
        case when e.deferring_from is null then 0 else {{ div_round(
            'cast(e.rate_of_year_e5 as hugeint) * ' ~ pay_days('e.deferring_from', 'e.deferring_until', 'c'),
            '100000 * ' ~ days_in_year()
        ) }} end as raw_contribution_cents,
        s.match_formula,
        (not s.match_requires_last_day or w.termination_date is null)
            and (not s.match_requires_hours or {{ has_hours(
                'w.scheduled_hours_per_week', 'coalesce(w.termination_date, ' ~ year_end() ~ ') + 1 - w.start_date',
                's.match_min_hours', days_in_year()
            ) }}) as meets_match_conditions,
        s.core_formula,
        s.core_excess_rate_e5,
        (not s.core_requires_last_day or w.termination_date is null)
            and (not s.core_requires_hours or {{ has_hours(
                'w.scheduled_hours_per_week', 'coalesce(w.termination_date, ' ~ year_end() ~ ') + 1 - w.start_date',
                's.core_min_hours', days_in_year()
            ) }}) as meets_core_conditions
    from {{ ref('int_workforce_year') }} as w
    inner join {{ ref('int_pay_changes') }} as c
        on c.scenario_id = w.scenario_id and c.replicate_id = w.replicate_id and c.employee_id = w.employee_id
    inner join {{ ref('int_plan_enrollment') }} as e
        on e.scenario_id = w.scenario_id and e.replicate_id = w.replicate_id and e.employee_id = w.employee_id
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    inner join {{ ref('dim_irs_limit') }} as l
        on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id
        and l.limit_year = {{ simulation_year() }}
    -- highly compensated by the pay and the limit of the year before
    inner join {{ ref('dim_irs_limit') }} as p
        on p.scenario_id = w.scenario_id and p.replicate_id = w.replicate_id
        and p.limit_year = {{ simulation_year() - 1 }}
),

contributing as (
    select
        *,
        cast(least(raw_contribution_cents, elective_cents + catch_up_limit_cents) as bigint) as contribution_cents
    from people
),

matched as (
    select
        p.scenario_id,
        p.replicate_id,
        p.employee_id,
        -- in units of 1e-10 cent, summed over the tiers before the one division
        {{ div_round(
            'sum(t.match_rate_e5 * (
                least(cast(p.contribution_cents as hugeint) * 100000, cast(p.plan_pay_cents as hugeint) * t.tier_to_e5)
                - least(cast(p.contribution_cents as hugeint) * 100000, cast(p.plan_pay_cents as hugeint) * t.tier_from_e5)
            ))',
            'cast(10000000000 as hugeint)'
        ) }} as match_cents
    from contributing as p
    inner join {{ ref('dim_match_tier') }} as t
        on t.scenario_id = p.scenario_id and t.replicate_id = p.replicate_id
        and case p.match_formula
            when 'tenure_graded' then p.tenure_years
            when 'points_graded' then p.age_years + p.tenure_years
            else 0
        end >= t.band_min
        and case p.match_formula
            when 'tenure_graded' then p.tenure_years
            when 'points_graded' then p.age_years + p.tenure_years
            else 0
        end < t.band_max
    where p.contribution_cents > 0 and p.meets_match_conditions
    group by p.scenario_id, p.replicate_id, p.employee_id
),

credited as (
    select
        p.scenario_id,
        p.replicate_id,
        p.employee_id,
        {{ div_round(
            "cast(p.plan_pay_cents as hugeint) * t.core_rate_e5
            + case when p.core_formula = 'integrated'
                then cast(greatest(p.plan_pay_cents - p.ss_wage_base_cents, 0) as hugeint) * p.core_excess_rate_e5
                else 0 end",
            '100000'
        ) }} as core_cents
    from contributing as p
    inner join {{ ref('dim_core_tier') }} as t
        on t.scenario_id = p.scenario_id and t.replicate_id = p.replicate_id
        and case p.core_formula
            when 'service' then p.tenure_years
            when 'points' then p.age_years + p.tenure_years
            else 0
        end >= t.band_min
        and case p.core_formula
            when 'service' then p.tenure_years
            when 'points' then p.age_years + p.tenure_years
            else 0
        end < t.band_max
    where p.is_eligible and p.meets_core_conditions
)

select
    p.scenario_id,
    p.replicate_id,
    {{ simulation_year() }} as simulation_year,
    p.employee_id,
    p.is_eligible,
    coalesce(p.is_hce, false) as is_hce,
    p.prorated_pay_cents,
    p.compensation_cents,
    p.plan_pay_cents,
    p.annual_additions_room_cents,
    cast(p.raw_contribution_cents as bigint) as raw_contribution_cents,
    p.contribution_cents,
    greatest(p.contribution_cents - p.elective_cents, 0) as catch_up_cents,
    cast(coalesce(m.match_cents, 0) as bigint) as formula_match_cents,
    cast(coalesce(k.core_cents, 0) as bigint) as formula_core_cents
from contributing as p
left join matched as m
    on m.scenario_id = p.scenario_id and m.replicate_id = p.replicate_id and m.employee_id = p.employee_id
left join credited as k
    on k.scenario_id = p.scenario_id and k.replicate_id = p.replicate_id and k.employee_id = p.employee_id
