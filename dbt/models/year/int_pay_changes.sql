-- Pay and level of each person through the year: a raise on 1 January, the promotion on 1 February, a raise on or
-- after that day (promotion first where both fall on it), and what that pays from start to end, both included.
-- A person has one raise month, so at most one of the two raises. Nothing happens on a termination date.
-- Each step from here to int_plan_accounts hands on what it was given, so that nobody is looked up twice. Those behind
-- this one are one query; all of them in one took longer to plan than the table between costs.
{%- set raise_date = 'make_date(' ~ simulation_year() ~ ', p.raise_month, 1)' %}

with people as (
    select
        p.*,
        {{ raise_date }} as raise_date,
        -- with a year of service on the day and still employed after it
        p.hire_date <= make_date({{ simulation_year() - 1 }}, p.raise_month, 1)
            and (p.termination_date is null or p.termination_date > {{ raise_date }}) as has_raise,
        p.hire_date <= {{ promotion_date() }}
            and (p.termination_date is null or p.termination_date > {{ promotion_date() }})
            as is_employed_for_promotion,
        {{ completed_years_at_promotion('p.birth_date') }} as promotion_age,
        greatest({{ completed_years_at_promotion('p.hire_date') }}, 0) as promotion_tenure
    from {{ ref('int_workforce_year') }} as p
),

-- Levels with the terms of their scenario and what is next above them, and with the bands of age and tenure
levels as (
    select
        l.scenario_id,
        l.replicate_id,
        l.level,
        l.merit_rate_e5,
        l.promotion_factor_e5,
        lead(l.level) over in_order as next_level,
        lead(l.merit_rate_e5) over in_order as next_merit_rate_e5,
        lead(l.min_pay_cents) over in_order as next_min_pay_cents,
        s.seed,
        s.draws,
        s.cola_rate_e5,
        s.raise_cap_rate_e5,
        s.raise_cap_amount_cents,
        s.promotion_base_rate_e5,
        s.promotion_dial_e5,
        s.promotion_min_tenure,
        s.promotion_max_age,
        s.promotion_raise_e5,
        s.promotion_raise_spread_e5,
        s.promotion_cap_rate_e5,
        s.promotion_cap_amount_cents
    from {{ ref('int_pay_band') }} as l
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
    window in_order as (partition by l.scenario_id, l.replicate_id order by l.level)
),

bands as (
    select
        l.* exclude (
            next_level, promotion_base_rate_e5, promotion_factor_e5, promotion_dial_e5
        ),
        a.min_age,
        a.max_age,
        t.min_years,
        t.max_years,
        -- 0 for the highest level
        case
            when l.next_level = l.level + 1
                then {{ chance_e15('l.promotion_base_rate_e5', 'a.promotion_mult_e5', 't.promotion_mult_e5',
                                   'l.promotion_factor_e5', 'l.promotion_dial_e5') }}
            else 0
        end as band_chance_e15
    from levels as l
    inner join {{ ref('dim_age_band') }} as a
        on a.scenario_id = l.scenario_id and a.replicate_id = l.replicate_id
    inner join {{ ref('dim_tenure_band') }} as t
        on t.scenario_id = l.scenario_id and t.replicate_id = l.replicate_id
),

january as (
    select
        p.*,
        b.* exclude (
            scenario_id, replicate_id, level, min_age, max_age, min_years, max_years, promotion_min_tenure,
            promotion_max_age, band_chance_e15
        ),
        case
            when p.has_raise and p.raise_month = 1 then {{ raised_pay('p.annual_pay_rate_cents', 'b.merit_rate_e5') }}
            else p.annual_pay_rate_cents
        end as january_pay_cents,
        -- 0 for who cannot be promoted
        case
            when p.is_employed_for_promotion
                and p.promotion_tenure >= b.promotion_min_tenure
                and p.promotion_age < b.promotion_max_age
                then b.band_chance_e15
            else 0
        end as promotion_chance_e15
    from people as p
    inner join bands as b
        on b.scenario_id = p.scenario_id and b.replicate_id = p.replicate_id and b.level = p.job_level
        and p.promotion_age >= b.min_age and p.promotion_age < b.max_age
        and p.promotion_tenure >= b.min_years and p.promotion_tenure < b.max_years
),

february as (
    select
        *,
        case
            when promotion_chance_e15 > 0
                then {{ happens(draw('promote', 'employee_id', simulation_year(), 'january'), 'promotion_chance_e15') }}
            else false
        end as is_promoted,
        case
            when is_promoted then cast(least(
                greatest(
                    -- pay * (1 + raise + spread * (2u - 1)), with 2u - 1 in units of 2^-53
                    {{ div_round(
                        'cast(january_pay_cents as hugeint) * (
                            cast(100000 + promotion_raise_e5 as hugeint) * 9007199254740992
                            + cast(promotion_raise_spread_e5 as hugeint)
                            * (2 * ' ~ draw('promote_pay', 'employee_id', simulation_year(), 'january') ~ ' + 1 - 9007199254740992)
                        )',
                        'cast(100000 as hugeint) * 9007199254740992'
                    ) }},
                    next_min_pay_cents
                ),
                {{ div_round('january_pay_cents * (100000 + promotion_cap_rate_e5)', '100000') }},
                january_pay_cents + promotion_cap_amount_cents
            ) as bigint)
            else january_pay_cents
        end as promoted_pay_cents
    from january
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    * exclude (
        scenario_id, replicate_id, employee_id, job_level, annual_pay_rate_cents, is_employed_for_promotion, promotion_age, promotion_tenure, merit_rate_e5,
        next_merit_rate_e5, next_min_pay_cents, seed, draws, cola_rate_e5, raise_cap_rate_e5, raise_cap_amount_cents,
        promotion_raise_e5, promotion_raise_spread_e5, promotion_cap_rate_e5, promotion_cap_amount_cents
    ),
    case
        when has_raise and raise_month > 1 and is_promoted
            then {{ raised_pay('promoted_pay_cents', 'next_merit_rate_e5') }}
        when has_raise and raise_month > 1
            then {{ raised_pay('promoted_pay_cents', 'merit_rate_e5') }}
        else promoted_pay_cents
    end as closing_pay_cents,
    coalesce(termination_date, {{ year_end() }}) + 1 as day_after,
    job_level as opening_level,
    job_level + cast(is_promoted as integer) as closing_level,
    annual_pay_rate_cents as opening_pay_cents,
    is_promoted and promoted_pay_cents < next_min_pay_cents as below_band,
    -- Pay of 1 January (or of the start) for all days, and each later change for the days that are left. Where a
    -- change did not happen its difference is 0.
    cast({{ div_round(
        'january_pay_cents * (day_after - start_date)
        + (promoted_pay_cents - january_pay_cents) * (day_after - ' ~ promotion_date() ~ ')
        + (closing_pay_cents - promoted_pay_cents) * (day_after - raise_date)',
        days_in_year()
    ) }} as bigint) as prorated_pay_cents
from february
