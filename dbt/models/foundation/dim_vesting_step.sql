-- The vested share of each source from so many years of vesting service on: the steps of its schedule, or the
-- scenario's own where the schedule is custom. Both sources have steps, also one that no money comes from.
with schedules as (
    select scenario_id, replicate_id, 'match' as money_source, match_vesting_schedule as vesting_schedule
    from {{ ref('dim_scenario') }}
    union all
    select scenario_id, replicate_id, 'core', core_vesting
    from {{ ref('dim_scenario') }}
),

steps as (
    select s.*, d.service_years, d.vested, 'default' as source
    from schedules as s
    inner join {{ ref('default_vesting_steps') }} as d on d.vesting_schedule = s.vesting_schedule
    union all by name
    select s.*, o.service_years, o.vested, o.source
    from schedules as s
    inner join {{ source('inputs', 'scenario_vesting_steps') }} as o
        on o.scenario_id = s.scenario_id and o.money_source = s.money_source
    where s.vesting_schedule = 'custom'
)

select
    scenario_id,
    replicate_id,
    money_source,
    service_years,
    {{ to_e5('vested') }} as vested_e5,
    source
from steps
