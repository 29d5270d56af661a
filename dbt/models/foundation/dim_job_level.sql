-- The factors max(floor, 1 - step * (level - 1)) depend on nothing but parameters: once, here.
with levels as (
    {{ scenario_table('default_levels', 'scenario_levels', {
        'level': 'level',
        'level_name': 'level_name',
        'min_pay_cents': to_cents('min_pay'),
        'max_pay_cents': to_cents('max_pay'),
        'merit_rate_e5': to_e5('merit_rate'),
        'new_hire_percentile_e5': to_e5('new_hire_percentile'),
    }) }}
),

highest as (
    select scenario_id, replicate_id, max(level) as highest_level
    from levels
    group by all
)

select
    l.scenario_id,
    l.replicate_id,
    l.level,
    l.level_name,
    l.min_pay_cents,
    l.max_pay_cents,
    l.merit_rate_e5,
    l.new_hire_percentile_e5,
    greatest(s.termination_level_floor_e5, 100000 - s.termination_level_step_e5 * (l.level - 1))
        as termination_factor_e5,
    greatest(s.promotion_level_floor_e5, 100000 - s.promotion_level_step_e5 * (l.level - 1))
        as promotion_factor_e5,
    l.level = h.highest_level as is_highest_level,
    l.source
from levels as l
inner join highest as h on h.scenario_id = l.scenario_id and h.replicate_id = l.replicate_id
inner join {{ ref('dim_scenario') }} as s
    on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
