{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- opening + hires + promotions in - promotions out - terminations = closing, for every level of the scenario.
with changes as (
    select scenario_id, replicate_id, job_level as level, 'opening' as kind
    from {{ ref('int_opening_workforce') }}

    union all

    select scenario_id, replicate_id, level_after,
        case event_type when 'hire' then 'hire' else 'promotion_in' end
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ simulation_year() }} and event_type in ('hire', 'promotion')

    union all

    select scenario_id, replicate_id, level_before,
        case event_type when 'termination' then 'termination' else 'promotion_out' end
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ simulation_year() }} and event_type in ('termination', 'promotion')

    union all

    select scenario_id, replicate_id, job_level, 'closing'
    from {{ ref('fct_workforce_snapshot') }}
    where simulation_year = {{ simulation_year() }} and employment_status = 'active'
),

counted as (
    select scenario_id, replicate_id, level, kind, count(*) as people
    from changes
    group by all
)

select
    l.scenario_id,
    l.replicate_id,
    l.simulation_year,
    l.level,
    {%- for kind, name in [('opening', 'opening'), ('hire', 'hires'), ('promotion_in', 'promotions_in'),
                           ('promotion_out', 'promotions_out'), ('termination', 'terminations'),
                           ('closing', 'closing')] %}
    cast(coalesce(sum(c.people) filter (where c.kind = '{{ kind }}'), 0) as bigint) as {{ name }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from {{ ref('int_pay_band') }} as l
left join counted as c
    on c.scenario_id = l.scenario_id and c.replicate_id = l.replicate_id and c.level = l.level
group by l.scenario_id, l.replicate_id, l.simulation_year, l.level
