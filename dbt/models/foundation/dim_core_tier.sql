-- The core contribution in force: one rate for everybody (flat, and the base of integrated), or one for each
-- band of completed years (service) or points.
with tiers as (
    select
        scenario_id,
        replicate_id,
        0 as band_min,
        999 as band_max,
        core_rate_e5,
        json_extract_string(parameter_sources, '$.core_rate') as source
    from {{ ref('dim_scenario') }}
    where core_formula in ('flat', 'integrated')
    union all by name
    select s.scenario_id, s.replicate_id, d.band_min, d.band_max, {{ to_e5('d.core_rate') }} as core_rate_e5, 'default' as source
    from {{ ref('dim_scenario') }} as s
    inner join {{ ref('default_core_tiers') }} as d on d.core_formula = s.core_formula
    where not exists (
        select 1 from {{ source('inputs', 'scenario_core_tiers') }} as o where o.scenario_id = s.scenario_id
    )
    union all by name
    select s.scenario_id, s.replicate_id, o.band_min, o.band_max, {{ to_e5('o.core_rate') }} as core_rate_e5, o.source
    from {{ ref('dim_scenario') }} as s
    inner join {{ source('inputs', 'scenario_core_tiers') }} as o on o.scenario_id = s.scenario_id
    where s.core_formula in ('service', 'points')
)

select scenario_id, replicate_id, band_min, band_max, core_rate_e5, source
from tiers
