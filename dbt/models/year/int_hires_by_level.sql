-- The hires of the year dealt to the levels by largest remainder, ties to the lower level. Hires of a level
-- hold the places first_place to last_place in the seeded order of int_hires.
with shares as (
    select
        l.scenario_id,
        l.replicate_id,
        l.level,
        p.hires,
        case when p.hire_level_shares = 'current' then coalesce(w.headcount, 0) else l.headcount end as headcount
    from {{ ref('dim_hire_level_share') }} as l
    inner join {{ ref('int_headcount_plan') }} as p
        on p.scenario_id = l.scenario_id and p.replicate_id = l.replicate_id
    left join (
        select scenario_id, replicate_id, job_level, count(*) as headcount
        from {{ ref('int_opening_workforce') }}
        group by all
    ) as w
        on w.scenario_id = l.scenario_id and w.replicate_id = l.replicate_id and w.job_level = l.level
    where p.hires > 0
),

totals as (
    select
        *,
        cast(sum(headcount) over (partition by scenario_id, replicate_id) as bigint) as total
    from shares
),

quotas as (
    select
        *,
        hires * headcount // total as quota,
        row_number() over (
            partition by scenario_id, replicate_id order by hires * headcount % total desc, level
        ) as remainder_place
    from totals
),

dealt as (
    select
        *,
        quota + case
            when remainder_place <= hires - sum(quota) over (partition by scenario_id, replicate_id) then 1 else 0
        end as level_hires
    from quotas
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    level,
    level_hires,
    cast(sum(level_hires) over by_level as bigint) - level_hires + 1 as first_place,
    cast(sum(level_hires) over by_level as bigint) as last_place
from dealt
window by_level as (
    partition by scenario_id, replicate_id order by level
    rows between unbounded preceding and current row
)
