-- Refuses inputs that no simulation can mean. One row for each scenario and replicate when all is well,
-- else an error that names the scenario and its first problem.
{%- set e5 = 100000 %}
{%- set ranges = [
    ('growth_rate_e5', -e5 + 1, 100 * e5, 'above -1 and at most 100'),
    ('termination_rate_e5', 0, e5, '0 to 1'),
    ('first_year_termination_rate_e5', 0, 98000, '0 to 0.98'),
    ('termination_base_rate_e5', 0, e5, '0 to 1'),
    ('termination_level_step_e5', 0, e5, '0 to 1'),
    ('termination_level_floor_e5', 0, e5, '0 to 1'),
    ('promotion_base_rate_e5', 0, e5, '0 to 1'),
    ('promotion_level_step_e5', 0, e5, '0 to 1'),
    ('promotion_level_floor_e5', 0, e5, '0 to 1'),
    ('promotion_dial_e5', 0, 1000 * e5, '0 to 1000'),
    ('promotion_raise_e5', 0, 10 * e5, '0 to 10'),
    ('promotion_raise_spread_e5', 0, e5, '0 to 1'),
    ('promotion_cap_rate_e5', 0, 100 * e5, '0 to 100'),
    ('promotion_cap_amount_cents', 0, 100000000000, '0 to 1,000,000,000.00'),
    ('promotion_min_tenure', 0, 100, '0 to 100'),
    ('promotion_max_age', 0, 999, '0 to 999'),
    ('cola_rate_e5', -50000, e5, '-0.5 to 1'),
    ('raise_cap_rate_e5', 0, 100 * e5, '0 to 100'),
    ('raise_cap_amount_cents', 0, 100000000000, '0 to 1,000,000,000.00'),
    ('market_factor_e5', 1, 100 * e5, 'above 0 and at most 100'),
    ('new_hire_pay_spread_e5', 0, e5, '0 to 1'),
    ('eligibility_waiting_days', 0, 3650, '0 to 3650'),
    ('eligibility_min_age', 0, 99, '0 to 99'),
    ('voluntary_deferral_min_e5', 0, e5, '0 to 1'),
    ('voluntary_deferral_max_e5', 0, e5, '0 to 1'),
    ('auto_enrollment_days', 0, 365, '0 to 365'),
    ('auto_enrollment_rate_e5', 1, e5, 'above 0 and at most 1'),
    ('opt_out_window_days', 1, 90, '1 to 90'),
    ('escalation_rate_e5', 0, e5, '0 to 1'),
    ('escalation_cap_e5', 0, e5, '0 to 1'),
    ('match_min_hours', 0, 8784, '0 to 8784'),
    ('core_rate_e5', 0, e5, '0 to 1'),
    ('core_excess_rate_e5', 0, e5, '0 to 1'),
    ('core_min_hours', 0, 8784, '0 to 8784'),
    ('vesting_min_hours', 0, 8784, '0 to 8784'),
    ('vesting_full_age', 0, 999, '0 to 999'),
    ('limit_index_rate_e5', 0, e5, '0 to 1'),
] %}
{%- set vesting = ['immediate', 'cliff_1', 'cliff_2', 'cliff_3', 'graded_2_to_6', 'custom'] %}
{%- set words = [
    ('hire_level_shares', ['census', 'current']),
    ('auto_enrollment_scope', ['none', 'new_hires_only', 'all_eligible']),
    ('match_formula', ['none', 'simple', 'tiered', 'stretch', 'qaca', 'custom', 'tenure_graded', 'points_graded']),
    ('match_last_day', ['by_formula', 'required', 'none']),
    ('match_hours', ['by_formula', 'required', 'none']),
    ('match_vesting', ['by_formula'] + vesting),
    ('core_formula', ['none', 'flat', 'service', 'points', 'integrated']),
    ('core_last_day', ['required', 'none']),
    ('core_hours', ['required', 'none']),
    ('core_vesting', vesting),
    ('forfeiture_policy', ['reduce', 'expenses', 'reallocate']),
] %}
{%- set limit_steps = [
    'elective', 'catch_up_50', 'catch_up_60_63', 'compensation', 'hce', 'annual_additions', 'ss_wage_base',
] %}
{%- set name_rule = '1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit' %}
{%- set bands = [('dim_age_band', 'age'), ('dim_tenure_band', 'years')] %}
{%- set distributions = [('dim_raise_month', 'month', 'share', 1, 12), ('dim_hire_age', 'age', 'weight', 14, 85)] %}

with problems as (
    select
        scenario_id, replicate_id,
        'scenario_id must be {{ name_rule }}' as problem
    from {{ ref('dim_scenario') }}
    where not regexp_full_match(scenario_id, '[a-z0-9][a-z0-9_-]{0,63}')

    union all
    select scenario_id, replicate_id, 'draws must be {{ name_rule }}, got ''' || draws || ''''
    from {{ ref('dim_scenario') }}
    where draws <> scenario_id and not regexp_full_match(draws, '[a-z0-9][a-z0-9_-]{0,63}')

    union all
    select
        scenario_id, replicate_id,
        'the census date ' || census_date || ' must be before 1 January of the first year ' || first_year
    from {{ ref('dim_scenario') }}
    where census_date >= make_date(first_year, 1, 1)

    {%- for word, accepted in words %}

    union all
    select
        scenario_id, replicate_id,
        '{{ word }} must be {{ accepted[:-1] | join(", ") }} or {{ accepted[-1] }}, got ' || {{ word }}
    from {{ ref('dim_scenario') }}
    where {{ word }} not in ('{{ accepted | join("', '") }}')
    {%- endfor %}

    union all
    select
        scenario_id, replicate_id,
        'promotion_raise_spread must not exceed 1 + promotion_raise, and new_hire_pay_spread not 1'
    from {{ ref('dim_scenario') }}
    where promotion_raise_spread_e5 > {{ e5 }} + promotion_raise_e5

    union all
    select scenario_id, replicate_id, 'voluntary_deferral_max must not be below voluntary_deferral_min'
    from {{ ref('dim_scenario') }}
    where voluntary_deferral_max_e5 < voluntary_deferral_min_e5

    -- 26 U.S.C. 401(l)(2): the permitted disparity
    union all
    select scenario_id, replicate_id, 'core_excess_rate of integrated must not exceed core_rate, nor 0.057'
    from {{ ref('dim_scenario') }}
    where core_formula = 'integrated' and core_excess_rate_e5 > least(core_rate_e5, 5700)
    {%- for limit in limit_steps %}

    union all
    select scenario_id, replicate_id, 'limit_step_{{ limit }} must be 1 to 1,000,000 in whole currency units'
    from {{ ref('dim_scenario') }}
    where limit_step_{{ limit }}_cents not between 100 and 100000000 or limit_step_{{ limit }}_cents % 100 <> 0
    {%- endfor %}

    union all
    select scenario_id, replicate_id, problem
    from {{ ref('plan_problems') }}
    {% for column, low, high, text in ranges %}
    union all
    select scenario_id, replicate_id, '{{ column | replace("_e5", "") | replace("_cents", "") }} must be {{ text }}'
    from {{ ref('dim_scenario') }}
    where {{ column }} < {{ low }} or {{ column }} > {{ high }}
    {% endfor %}
    union all
    select s.scenario_id, s.replicate_id, 'there is no parameter ' || p.parameter || ' (' || p.source || ')'
    from {{ source('inputs', 'scenario_parameters') }} as p
    inner join {{ ref('dim_scenario') }} as s on s.scenario_id = p.scenario_id
    where p.parameter not in (select parameter from {{ ref('default_parameters') }})
    {% for table, unit in bands %}
    union all
    select
        scenario_id, replicate_id,
        '{{ table }}: bands must start at 0, leave no gap or overlap, and reach 120; see band ' || band
    from (
        select
            scenario_id, replicate_id, {{ unit.replace('years', 'tenure') }}_band as band, min_{{ unit }} as low, max_{{ unit }} as high,
            lag(max_{{ unit }}) over by_min as previous_high,
            lead(min_{{ unit }}) over by_min is null as is_last
        from {{ ref(table) }}
        window by_min as (partition by scenario_id, replicate_id order by min_{{ unit }}, max_{{ unit }})
    )
    where low is distinct from coalesce(previous_high, 0) or low >= high or high is null or (is_last and high < 120)

    union all
    select scenario_id, replicate_id, '{{ table }}: multipliers must not be negative or missing'
    from {{ ref(table) }}
    where coalesce(least(termination_mult_e5, promotion_mult_e5), -1) < 0
        or termination_mult_e5 is null or promotion_mult_e5 is null
    {% endfor %}
    {% for table, value, weight, low, high in distributions %}
    union all
    select scenario_id, replicate_id, '{{ table }}: the {{ weight }} column must sum to exactly 1'
    from {{ ref(table) }}
    group by scenario_id, replicate_id
    having sum({{ weight }}_e6) is distinct from 1000000

    union all
    select
        scenario_id, replicate_id,
        '{{ table }}: {{ value }} must be {{ low }} to {{ high }}, each once, with a {{ weight }} that is not negative; see '
        || {{ value }}
    from {{ ref(table) }}
    group by scenario_id, replicate_id, {{ value }}
    having count(*) > 1 or min({{ weight }}_e6) < 0 or {{ value }} < {{ low }} or {{ value }} > {{ high }}
    {% endfor %}
    union all
    select scenario_id, replicate_id, 'dim_job_level: levels must be numbered 1, 2, 3 and so on, each once'
    from {{ ref('dim_job_level') }}
    group by scenario_id, replicate_id
    having count(*) <> count(distinct level) or min(level) <> 1 or max(level) <> count(*)

    union all
    select
        scenario_id, replicate_id,
        'dim_job_level: level ' || level || ' needs 0 < min_pay <= max_pay <= 100,000,000.00, '
        || 'a new_hire_percentile of 0 to 1 and a merit_rate for which 1 + merit + COLA is above 0'
    from {{ ref('dim_job_level') }}
    inner join {{ ref('dim_scenario') }} as s using (scenario_id, replicate_id)
    where not coalesce(
        min_pay_cents > 0 and min_pay_cents <= max_pay_cents and max_pay_cents <= 10000000000
        and new_hire_percentile_e5 between 0 and {{ e5 }}
        and merit_rate_e5 between -{{ e5 }} and 10 * {{ e5 }}
        and {{ e5 }} + merit_rate_e5 + s.cola_rate_e5 > 0, false)

    union all
    select
        w.scenario_id, w.replicate_id,
        'census: employee ' || coalesce('''' || w.employee_id || '''', 'without an id')
        || ' must occur once, with a birth date before the hire date, hired on or before the census date, with pay '
        || 'above 0 and at most 1,000,000,000.00 and a level that the scenario has'
    from {{ ref('base_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    left join {{ ref('dim_job_level') }} as l
        on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id and l.level = w.job_level
    where w.employee_id is null or not coalesce(
        w.birth_date < w.hire_date and w.hire_date <= s.census_date
        and w.annual_pay_rate_cents between 1 and 100000000000 and l.level is not null, false)

    union all
    select
        scenario_id, replicate_id,
        'census: employee ''' || employee_id || ''' must have a deferral rate of 0 to 1, if any, and 0 to 168 hours a week'
    from {{ ref('base_workforce') }}
    where deferral_rate_e5 not between 0 and {{ e5 }} or scheduled_hours_per_week not between 0 and 168

    union all
    select scenario_id, replicate_id, 'census: employee ''' || employee_id || ''' occurs more than once'
    from {{ ref('base_workforce') }}
    group by scenario_id, replicate_id, employee_id
    having count(*) > 1

    union all
    select
        scenario_id, replicate_id,
        'census: employee ''' || employee_id || ''': ids of this form are reserved for simulated hires'
    from {{ ref('base_workforce') }}
    where regexp_full_match(employee_id, 'NH_[0-9]{4}_[0-9]{6,}')
),

counted as (
    select
        s.scenario_id,
        s.replicate_id,
        count(p.problem) as problems,
        min(p.problem) as first_problem
    from {{ ref('dim_scenario') }} as s
    left join problems as p on p.scenario_id = s.scenario_id and p.replicate_id = s.replicate_id
    group by s.scenario_id, s.replicate_id

    union all
    select '(none)', 0, 1, 'inputs.scenarios is empty: there is nothing to simulate'
    where not exists (select 1 from {{ source('inputs', 'scenarios') }})
)

select
    scenario_id,
    replicate_id,
    problems,
    case
        when problems > 0 then error(
            'scenario ' || scenario_id || ', replicate ' || replicate_id || ': ' || first_problem
            || case when problems > 1 then ' (and ' || (problems - 1) || ' more)' else '' end
        )
        else 'passed'
    end as outcome
from counted
