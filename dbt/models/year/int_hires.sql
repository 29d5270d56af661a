-- The k-th of H hires starts on 1 January + floor((k - 1/2) * D / H) days. Levels are dealt in seeded order, ages
-- drawn from the scenario's distribution, pay = clamp(base * (1 + spread * z), min, max) * market factor with
-- base = min + percentile * (max - min) of the year's pay band and z = the sum of 12 uniforms - 6.
{%- set purposes = ['hire_level', 'hire_age', 'hire_birth_day'] %}
{%- for i in range(1, 13) %}
  {%- do purposes.append('hire_pay_%02d' % i) %}
{%- endfor %}
{#- 2 ** 54, the unit of z #}
{%- set unit = '18014398509481984' %}

with numbered as (
    select
        p.scenario_id,
        p.replicate_id,
        p.hires,
        unnest(range(1, p.hires + 1)) as k
    from {{ ref('int_headcount_plan') }} as p
    where p.hires > 0
),

named as (
    select
        n.scenario_id,
        n.replicate_id,
        'NH_{{ simulation_year() }}_' || format('{:06d}', n.k) as employee_id,
        {{ year_start() }} + cast((2 * n.k - 1) * {{ days_in_year() }} // (2 * n.hires) as integer) as hire_date,
        s.seed,
        s.draws,
        {{ draw_key(simulation_year()) }} as draw_key,
        s.market_factor_e5,
        s.new_hire_pay_spread_e5,
        s.eligibility_waiting_days,
        s.eligibility_min_age
    from numbered as n
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = n.scenario_id and s.replicate_id = n.replicate_id
),

drawn as (
    select
        * exclude (seed, draws, draw_key),
        {{ draws(purposes, 'employee_id', 'draw_key') }} as draws,
        {{ uniform_e6(draw('raise_month', 'employee_id', 0, 'named')) }} as raise_month_e6
    from named
),

placed as (
    select
        * exclude (draws),
        row_number() over (partition by scenario_id, replicate_id order by draws[1], employee_id) as place,
        {{ uniform_e6('draws[2]') }} as age_e6,
        cast({{ uniform_below('draws[3]', 365) }} as integer) as birth_day,
        -- twelve odd numbers 2k + 1 less 6 units
        2 * list_sum(draws[4:]) + 12 - 6 * {{ unit }} as z_2p54
    from drawn
),

priced as (
    select
        d.*,
        a.age,
        h.level as job_level,
        m.month as raise_month,
        l.min_pay_cents,
        l.max_pay_cents,
        l.termination_factor_e5,
        -- in units of 1e-5 cent
        cast(l.min_pay_cents as hugeint) * 100000
            + l.new_hire_percentile_e5 * (l.max_pay_cents - l.min_pay_cents) as base_pay,
        -- 1 + spread * z in units of 1e-5 * 2^-54, where a negative factor would end at the minimum anyway
        greatest(
            cast({{ unit }} as hugeint) * 100000 + cast(d.new_hire_pay_spread_e5 as hugeint) * d.z_2p54,
            0
        ) as pay_factor
    from placed as d
    inner join {{ ref('int_hires_by_level') }} as h
        on h.scenario_id = d.scenario_id and h.replicate_id = d.replicate_id
        and d.place >= h.first_place and d.place <= h.last_place
    inner join {{ ref('int_pay_band') }} as l
        on l.scenario_id = d.scenario_id and l.replicate_id = d.replicate_id and l.level = h.level
    inner join {{ ref('dim_hire_age') }} as a
        on a.scenario_id = d.scenario_id and a.replicate_id = d.replicate_id
        and d.age_e6 >= a.from_e6 and d.age_e6 < a.to_e6
    inner join {{ ref('dim_raise_month') }} as m
        on m.scenario_id = d.scenario_id and m.replicate_id = d.replicate_id
        and d.raise_month_e6 >= m.from_e6 and d.raise_month_e6 < m.to_e6
),

aged as (
    select
        *,
        cast(hire_date - to_years(age) as date) - birth_day as birth_date,
        base_pay * pay_factor as exact_pay,
        2 * base_pay * market_factor_e5 as double_market_pay
    from priced
)

select
    h.scenario_id,
    h.replicate_id,
    {{ simulation_year() }} as simulation_year,
    h.employee_id,
    h.birth_date,
    h.hire_date,
    h.job_level,
    'assigned' as level_source,
    -- The product of base, factor and market factor needs 131 bits, so the factor is divided in two parts:
    -- round_half_up(base * market * factor / (10^15 * 2^54)) from the factor's upper and lower 32 bits.
    cast(case
        when h.exact_pay <= cast(h.min_pay_cents as hugeint) * 10000000000 * {{ unit }}
            then {{ div_round('cast(h.min_pay_cents as hugeint) * h.market_factor_e5', '100000') }}
        when h.exact_pay >= cast(h.max_pay_cents as hugeint) * 10000000000 * {{ unit }}
            then {{ div_round('cast(h.max_pay_cents as hugeint) * h.market_factor_e5', '100000') }}
        else (
            h.double_market_pay * (h.pay_factor // 4294967296)
            + h.double_market_pay * (h.pay_factor % 4294967296) // 4294967296
            + cast(1000000000000000 as hugeint) * 4194304
        ) // (cast(1000000000000000 as hugeint) * 8388608)
    end as bigint) as annual_pay_rate_cents,
    h.raise_month,
    cast(null as integer) as deferral_rate_e5,
    cast(null as date) as enrollment_date,
    cast(null as integer) as roth_rate_e5,
    false as auto_escalation_opt_out,
    cast(40 as decimal(5, 2)) as scheduled_hours_per_week,
    cast(null as varchar) as department,
    cast(null as varchar) as job_title,
    cast(null as varchar) as gender,
    {{ plan_entry_date('h.hire_date', 'h.birth_date', 'h') }} as plan_entry_date,
    -- Weight in the order of leaving, at the age (the one drawn) and tenure (none) of the hire date
    cast(a.termination_mult_e5 as hugeint) * t.termination_mult_e5 * h.termination_factor_e5
        as termination_weight
from aged as h
inner join {{ ref('dim_age_band') }} as a
    on a.scenario_id = h.scenario_id and a.replicate_id = h.replicate_id
    and h.age >= a.min_age and h.age < a.max_age
inner join {{ ref('dim_tenure_band') }} as t
    on t.scenario_id = h.scenario_id and t.replicate_id = h.replicate_id and t.min_years = 0
