{{ config(materialized='ephemeral') }}
-- Employee contributions after the elective limit, and what the formulas of match and core give on them, before
-- anything is cut. One row for everybody of the year. A match is one calculation for the whole year.
with enrollment as materialized ( {#- planned in one piece with the steps before, all of this takes longer #}
    select *
    from {{ ref('int_plan_enrollment') }}
),

terms as (
    select
        s.*,
        l.* exclude (scenario_id, replicate_id, source),
        b.hce_cents as hce_cents_before
    from {{ ref('dim_scenario') }} as s
    inner join {{ ref('dim_irs_limit') }} as l
        on l.scenario_id = s.scenario_id and l.replicate_id = s.replicate_id
        and l.limit_year = {{ simulation_year() }}
    inner join {{ ref('dim_irs_limit') }} as b
        on b.scenario_id = s.scenario_id and b.replicate_id = s.replicate_id
        and b.limit_year = {{ simulation_year() - 1 }}
),

people as (
    select
        *,
        {{ completed_years_at_year_end('birth_date') }} as age_years,
        coalesce(
            {{ completed_years('hire_date', 'termination_date') }}, {{ completed_years_at_year_end('hire_date') }}
        ) as tenure_years,
        day_after - start_date as days_employed,
        case when deferring_from is not null then {{ pay_days('deferring_from', 'deferring_until', 'enrollment') }}
            else 0 end as deferred_pay_days
    from enrollment
),

contributing as (
    select
        p.* exclude (days_employed, deferred_pay_days),
        -- highly compensated by the pay and the limit of the year before
        coalesce(p.prior_prorated_pay_cents > s.hce_cents_before, false) as is_hce,
        {{ rate_of('p.deferred_pay_days', 'coalesce(p.rate_of_year_e5, 0)', '100000 * ' ~ days_in_year()) }}
            as raw_contribution_cents,
        s.elective_cents + case
            when p.age_years between 60 and 63 then s.catch_up_60_63_cents
            when p.age_years >= 50 then s.catch_up_50_cents
            else 0
        end as contribution_limit_cents,
        s.elective_cents,
        s.compensation_cents,
        least(p.prorated_pay_cents, s.compensation_cents) as plan_pay_cents,
        least(p.prorated_pay_cents, s.annual_additions_cents) as annual_additions_room_cents,
        s.ss_wage_base_cents,
        s.match_formula,
        s.core_formula,
        s.core_excess_rate_e5,
        (not s.match_requires_last_day or p.termination_date is null)
            and (not s.match_requires_hours or {{ has_hours(
                'p.scheduled_hours_per_week', 'p.days_employed', 's.match_min_hours', days_in_year()
            ) }}) as meets_match_conditions,
        (not s.core_requires_last_day or p.termination_date is null)
            and (not s.core_requires_hours or {{ has_hours(
                'p.scheduled_hours_per_week', 'p.days_employed', 's.core_min_hours', days_in_year()
            ) }}) as meets_core_conditions,
        case s.match_formula
            when 'tenure_graded' then p.tenure_years
            when 'points_graded' then p.age_years + p.tenure_years
            else 0
        end as match_band,
        case s.core_formula
            when 'service' then p.tenure_years
            when 'points' then p.age_years + p.tenure_years
            else 0
        end as core_band,
        s.forfeiture_policy,
        coalesce({{ completed_years('p.birth_date', 'p.termination_date') }}, p.age_years) >= s.vesting_full_age
            as is_past_full_age,
        -- Vesting service: a calendar year counts with enough hours, the year of hire and this one by the days employed,
        -- those between in full, where the days cancel.
        cast({{ has_hours('p.scheduled_hours_per_week', 'p.days_employed', 's.vesting_min_hours', days_in_year()) }}
            as integer)
        + case when year(p.hire_date) < {{ simulation_year() }}
            then cast({{ has_hours(
                'p.scheduled_hours_per_week', 'make_date(year(p.hire_date), 12, 31) + 1 - p.hire_date',
                's.vesting_min_hours',
                'make_date(year(p.hire_date), 12, 31) + 1 - make_date(year(p.hire_date), 1, 1)'
            ) }} as integer)
            + ({{ simulation_year() - 1 }} - year(p.hire_date))
            * cast({{ has_hours('p.scheduled_hours_per_week', '1', 's.vesting_min_hours', '1') }} as integer)
            else 0 end as service_years
    from people as p
    inner join terms as s
        on s.scenario_id = p.scenario_id and s.replicate_id = p.replicate_id
),

limited as (
    select
        * exclude (contribution_limit_cents),
        least(raw_contribution_cents, contribution_limit_cents) as limited_contribution_cents
    from contributing
),

-- The tiers of a band side by side, so that each person meets one row
match_bands as (
    select
        scenario_id,
        replicate_id,
        band_min,
        band_max,
        list(struct_pack(tier_from := tier_from_e5, tier_to := tier_to_e5, rate := match_rate_e5)) as tiers
    from {{ ref('dim_match_tier') }}
    group by all
)

select
    p.* exclude (
        compensation_cents, elective_cents, ss_wage_base_cents, core_excess_rate_e5, meets_match_conditions,
        meets_core_conditions, match_band, core_band
    ),
    p.compensation_cents,
    greatest(p.limited_contribution_cents - p.elective_cents, 0) as catch_up_cents,
    -- in units of 1e-10 cent, summed over the tiers before the one division
    cast(case
        when p.limited_contribution_cents > 0 and p.meets_match_conditions and t.tiers is not null
            then {{ div_round(
                'list_sum(list_transform(t.tiers, lambda x: x.rate * (
                    least(cast(p.limited_contribution_cents as hugeint) * 100000, cast(p.plan_pay_cents as hugeint) * x.tier_to)
                    - least(cast(p.limited_contribution_cents as hugeint) * 100000, cast(p.plan_pay_cents as hugeint) * x.tier_from)
                )))',
                'cast(10000000000 as hugeint)'
            ) }}
        else 0
    end as bigint) as formula_match_cents,
    cast(case
        when p.is_eligible and p.meets_core_conditions and k.core_rate_e5 is not null then {{ div_round(
            "cast(p.plan_pay_cents as hugeint) * k.core_rate_e5
            + case when p.core_formula = 'integrated'
                then cast(greatest(p.plan_pay_cents - p.ss_wage_base_cents, 0) as hugeint) * p.core_excess_rate_e5
                else 0 end",
            '100000'
        ) }}
        else 0
    end as bigint) as formula_core_cents
from limited as p
left join match_bands as t
    on t.scenario_id = p.scenario_id and t.replicate_id = p.replicate_id
    and p.match_band >= t.band_min and p.match_band < t.band_max
left join {{ ref('dim_core_tier') }} as k
    on k.scenario_id = p.scenario_id and k.replicate_id = p.replicate_id
    and p.core_band >= k.band_min and p.core_band < k.band_max
