{#
  A default table, or the whole table that a scenario puts in its place, for every scenario and replicate.
  `columns` maps the name of a result column to an expression over the input's columns.
#}
{% macro scenario_table(defaults, overrides, columns) %}
with in_force as (
    select s.scenario_id, s.replicate_id, d.*, 'default' as source
    from {{ source('inputs', 'scenarios') }} as s
    cross join {{ ref(defaults) }} as d
    where not exists (
        select 1 from {{ source('inputs', overrides) }} as o where o.scenario_id = s.scenario_id
    )
    union all by name
    select s.scenario_id, s.replicate_id, o.* exclude (scenario_id)
    from {{ source('inputs', 'scenarios') }} as s
    inner join {{ source('inputs', overrides) }} as o on o.scenario_id = s.scenario_id
)

select
    scenario_id,
    replicate_id,
    {%- for name, expression in columns.items() %}
    {{ expression }} as {{ name }},
    {%- endfor %}
    source
from in_force
{% endmacro %}

{#
  A distribution in units of 1e-6. A draw v = floor(u * 1000000) falls into the row with
  from_e6 <= v < to_e6; the last row takes what is left.
#}
{% macro cumulative_table(defaults, overrides, value, weight) %}
with shares as (
    {{ scenario_table(defaults, overrides, {
        value: value,
        weight ~ '_e6': 'cast(' ~ weight ~ ' * 1000000 as integer)',
    }) }}
),

cumulated as (
    select
        *,
        cast(sum({{ weight }}_e6) over (
            partition by scenario_id, replicate_id order by {{ value }}
            rows between unbounded preceding and current row
        ) as integer) as cumulative_e6,
        lead({{ value }}) over (partition by scenario_id, replicate_id order by {{ value }}) is null
            as is_last
    from shares
)

select
    scenario_id,
    replicate_id,
    {{ value }},
    {{ weight }}_e6,
    cumulative_e6 - {{ weight }}_e6 as from_e6,
    case when is_last then 1000000 else cumulative_e6 end as to_e6,
    source
from cumulated
{% endmacro %}
