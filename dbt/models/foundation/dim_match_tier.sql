-- The tiers of the match in force: those of the formula, or the scenario's own where the formula has none.
with tiers as (
    select s.scenario_id, s.replicate_id, d.* exclude (match_formula), 'default' as source
    from {{ ref('dim_scenario') }} as s
    inner join {{ ref('default_match_tiers') }} as d on d.match_formula = s.match_formula
    union all by name
    select s.scenario_id, s.replicate_id, o.* exclude (scenario_id)
    from {{ ref('dim_scenario') }} as s
    inner join {{ source('inputs', 'scenario_match_tiers') }} as o on o.scenario_id = s.scenario_id
    where s.match_formula in ('custom', 'tenure_graded', 'points_graded')
)

select
    scenario_id,
    replicate_id,
    band_min,
    band_max,
    {{ to_e5('tier_from') }} as tier_from_e5,
    {{ to_e5('tier_to') }} as tier_to_e5,
    {{ to_e5('match_rate') }} as match_rate_e5,
    source
from tiers
