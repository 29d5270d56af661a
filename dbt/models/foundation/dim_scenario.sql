-- Every scalar parameter in force, as an exact integer in the unit that its name ends with, and where
-- it came from. A value with more decimals than its unit keeps is refused, never rounded in silence.
{%- set units = {
    'rate': {'suffix': '_e5', 'scale': 100000, 'pattern': '[-+]?[0-9]*([.][0-9]{0,5}0*)?'},
    'multiplier': {'suffix': '_e5', 'scale': 100000, 'pattern': '[-+]?[0-9]*([.][0-9]{0,5}0*)?'},
    'money': {'suffix': '_cents', 'scale': 100, 'pattern': '[-+]?[0-9]*([.][0-9]{0,2}0*)?'},
    'integer': {'suffix': '', 'scale': 1, 'pattern': '[-+]?[0-9]+'},
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
] %}

with scenarios as (
    select
        scenario_id,
        replicate_id,
        case when count(*) = 1 then any_value(seed) else error(
            'scenario ' || scenario_id || ', replicate ' || replicate_id || ': occurs more than once in inputs.scenarios'
        ) end as seed,
        any_value(first_year) as first_year,
        any_value(census_date) as census_date
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
                then cast(cast(value as decimal(18, 5)) * {{ how.scale }} as bigint)
            {%- endfor %}
            when unit = 'text' then null
            else error(
                'scenario ' || scenario_id || ': parameter ' || parameter || ' (' || source
                || '): expected a number with at most '
                || case unit when 'money' then '2' when 'integer' then '0' else '5' end
                || ' decimals, got ''' || value || ''''
            )
        end as amount
    from in_force
),

parameters as (
    select
        scenario_id,
        replicate_id,
        {%- for name, unit in parameters %}
        max(amount) filter (where parameter = '{{ name }}') as {{ name }}{{ units[unit].suffix }},
        {%- endfor %}
        max(value) filter (where parameter = 'hire_level_shares') as hire_level_shares,
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
    p.* exclude (scenario_id, replicate_id)
from scenarios as s
inner join parameters as p on p.scenario_id = s.scenario_id and p.replicate_id = s.replicate_id
