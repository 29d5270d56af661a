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
] %}
{%- set bands = [('dim_age_band', 'age'), ('dim_tenure_band', 'years')] %}
{%- set distributions = [('dim_raise_month', 'month', 'share', 1, 12), ('dim_hire_age', 'age', 'weight', 14, 85)] %}

with problems as (
    select
        scenario_id, replicate_id,
        'scenario_id must be 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit' as problem
    from {{ ref('dim_scenario') }}
    where not regexp_full_match(scenario_id, '[a-z0-9][a-z0-9_-]{0,63}')

    union all
    select
        scenario_id, replicate_id,
        'the census date ' || census_date || ' must be before 1 January of the first year ' || first_year
    from {{ ref('dim_scenario') }}
    where census_date >= make_date(first_year, 1, 1)

    union all
    select scenario_id, replicate_id, 'hire_level_shares must be census or current, got ' || hire_level_shares
    from {{ ref('dim_scenario') }}
    where hire_level_shares not in ('census', 'current')

    union all
    select
        scenario_id, replicate_id,
        'promotion_raise_spread must not exceed 1 + promotion_raise, and new_hire_pay_spread not 1'
    from {{ ref('dim_scenario') }}
    where promotion_raise_spread_e5 > {{ e5 }} + promotion_raise_e5
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
