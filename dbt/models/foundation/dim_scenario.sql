-- Every scalar parameter in force, as an exact integer in the unit that its name ends with, and where
-- it came from. A value with more decimals than its unit keeps is refused, never rounded in silence.
-- `by_formula` is resolved here: a safe harbor match (tiered, qaca) has no conditions and vests as the law asks.
{%- set units = {
    'rate': {'suffix': '_e5', 'scale': 100000, 'pattern': '[-+]?[0-9]{0,13}([.][0-9]{0,5}0*)?'},
    'multiplier': {'suffix': '_e5', 'scale': 100000, 'pattern': '[-+]?[0-9]{0,13}([.][0-9]{0,5}0*)?'},
    'money': {'suffix': '_cents', 'scale': 100, 'pattern': '[-+]?[0-9]{0,13}([.][0-9]{0,2}0*)?'},
    'integer': {'suffix': '', 'scale': 1, 'pattern': '[-+]?[0-9]{1,5}'},
} %}
{%- set parameters = [
    ('growth_rate', 'rate'),
    ('termination_rate', 'rate'),
    ('first_year_termination_rate', 'rate'),
    ('termination_base_rate', 'rate'),
    ('termination_level_step', 'rate'),
    ('termination_level_floor', 'rate'),
    ('promotion_base_rate', 'rate'),
    ('promotion_level_step', 'rate'),
    ('promotion_level_floor', 'rate'),
    ('promotion_dial', 'multiplier'),
    ('promotion_raise', 'rate'),
    ('promotion_raise_spread', 'rate'),
    ('promotion_cap_rate', 'rate'),
    ('promotion_cap_amount', 'money'),
    ('promotion_min_tenure', 'integer'),
    ('promotion_max_age', 'integer'),
    ('cola_rate', 'rate'),
    ('raise_cap_rate', 'rate'),
    ('raise_cap_amount', 'money'),
    ('market_factor', 'multiplier'),
    ('new_hire_pay_spread', 'rate'),
    ('eligibility_waiting_days', 'integer'),
    ('eligibility_min_age', 'integer'),
    ('voluntary_deferral_min', 'rate'),
    ('voluntary_deferral_max', 'rate'),
    ('auto_enrollment_days', 'integer'),
    ('auto_enrollment_rate', 'rate'),
    ('opt_out_window_days', 'integer'),
    ('escalation_rate', 'rate'),
    ('escalation_cap', 'rate'),
    ('match_min_hours', 'integer'),
    ('core_rate', 'rate'),
    ('core_excess_rate', 'rate'),
    ('core_min_hours', 'integer'),
    ('vesting_min_hours', 'integer'),
    ('vesting_full_age', 'integer'),
    ('limit_index_rate', 'rate'),
    ('limit_step_elective', 'money'),
    ('limit_step_catch_up_50', 'money'),
    ('limit_step_catch_up_60_63', 'money'),
    ('limit_step_compensation', 'money'),
    ('limit_step_hce', 'money'),
    ('limit_step_annual_additions', 'money'),
    ('limit_step_ss_wage_base', 'money'),
] %}
{%- set words = [
    'hire_level_shares',
    'auto_enrollment_scope',
    'match_formula',
    'match_last_day',
    'match_hours',
    'match_vesting',
    'core_formula',
    'core_last_day',
    'core_hours',
    'core_vesting',
    'forfeiture_policy',
] %}
{%- set flags = ['governmental'] %}

with scenarios as (
    select
        scenario_id,
        replicate_id,
        case when count(*) = 1 then any_value(seed) else error(
            'scenario ' || scenario_id || ', replicate ' || replicate_id || ': occurs more than once in inputs.scenarios'
        ) end as seed,
        any_value(first_year) as first_year,
        any_value(census_date) as census_date,
        coalesce(any_value(draws), scenario_id) as draws
    from {{ source('inputs', 'scenarios') }}
    group by scenario_id, replicate_id
),

given as (
    select
        scenario_id,
        parameter,
        any_value(value) as value,
        case when count(*) = 1 then any_value(source) else error(
            'scenario ' || scenario_id || ': parameter ' || parameter || ' is given more than once'
        ) end as source
    from {{ source('inputs', 'scenario_parameters') }}
    group by scenario_id, parameter
),

in_force as (
    select
        s.scenario_id,
        s.replicate_id,
        d.parameter,
        d.unit,
        coalesce(o.value, d.value) as value,
        coalesce(o.source, 'default') as source
    from scenarios as s
    cross join {{ ref('default_parameters') }} as d
    left join given as o
        on o.scenario_id = s.scenario_id and o.parameter = d.parameter
),

exact as (
    select
        *,
        case
            {%- for unit, how in units.items() %}
            when unit = '{{ unit }}' and regexp_full_match(value, '{{ how.pattern }}')
                and regexp_matches(value, '[0-9]')
                then cast(cast(value as decimal(30, 5)) * {{ how.scale }} as bigint)
            {%- endfor %}
            when unit = 'text' or (unit = 'flag' and value in ('true', 'false')) then null
            else error(
                'scenario ' || scenario_id || ': parameter ' || parameter || ' (' || source || '): expected '
                || case
                    when unit = 'flag' then 'true or false'
                    when unit = 'integer' then 'a number below 1e5 with at most 0 decimals'
                    else 'a number below 1e13 with at most ' || case unit when 'money' then '2' else '5' end || ' decimals'
                end
                || ', got ''' || value || ''''
            )
        end as amount
    from in_force
),

parameters as (
    select
        scenario_id,
        replicate_id,
        {%- for name, unit in parameters %}
        cast(max(amount) filter (where parameter = '{{ name }}') as {{ 'integer' if unit == 'integer' else 'bigint' }})
            as {{ name }}{{ units[unit].suffix }},
        {%- endfor %}
        {%- for name in words %}
        max(value) filter (where parameter = '{{ name }}') as {{ name }},
        {%- endfor %}
        {%- for name in flags %}
        max(value) filter (where parameter = '{{ name }}') = 'true' as {{ name }},
        {%- endfor %}
        cast(to_json(
            map(list(parameter order by parameter), list(source order by parameter))
        ) as varchar) as parameter_sources
    from exact
    group by scenario_id, replicate_id
)

select
    s.scenario_id,
    s.replicate_id,
    s.seed,
    s.first_year,
    s.census_date,
    s.draws,
    p.* exclude (scenario_id, replicate_id, parameter_sources),
    {%- for condition in ['last_day', 'hours'] %}
    case p.match_{{ condition }}
        when 'by_formula' then p.match_formula not in ('tiered', 'qaca')
        else p.match_{{ condition }} = 'required'
    end as match_requires_{{ condition }},
    {%- endfor %}
    p.core_last_day = 'required' as core_requires_last_day,
    p.core_hours = 'required' as core_requires_hours,
    case
        when p.match_vesting <> 'by_formula' then p.match_vesting
        when p.match_formula = 'tiered' then 'immediate'
        when p.match_formula = 'qaca' then 'cliff_2'
        else 'graded_2_to_6'
    end as match_vesting_schedule,
    p.parameter_sources
from scenarios as s
inner join parameters as p on p.scenario_id = s.scenario_id and p.replicate_id = s.replicate_id
