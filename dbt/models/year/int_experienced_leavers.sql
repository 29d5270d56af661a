-- Who of those employed on 1 January leaves, when and why. Last year's hires and the others are ranked apart,
-- each by hazard; a reduction in force then takes, by a hazard draw of its own, from all who are left.
with keyed as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        w.hired_last_year,
        w.termination_weight,
        {{ draw('leave', 'w.employee_id', simulation_year()) }} as leave_draw
    from {{ ref('int_opening_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
),

ranked as (
    select
        * exclude (leave_draw),
        row_number() over (
            partition by scenario_id, replicate_id, hired_last_year
            order by {{ hazard_key('leave_draw', 'termination_weight') }}, employee_id
        ) as place
    from keyed
),

split as (
    select
        r.*,
        r.place <= case
            when r.hired_last_year then p.leavers_hired_last_year
            else p.experienced_leavers - p.leavers_hired_last_year
        end as leaves,
        p.reduction_in_force
    from ranked as r
    inner join {{ ref('int_headcount_plan') }} as p
        on p.scenario_id = r.scenario_id and p.replicate_id = r.replicate_id
),

left_over as (
    select
        r.scenario_id,
        r.replicate_id,
        r.employee_id,
        r.reduction_in_force,
        r.termination_weight,
        {{ draw('reduce', 'r.employee_id', simulation_year()) }} as reduce_draw
    from split as r
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = r.scenario_id and s.replicate_id = r.replicate_id
    where not r.leaves and r.reduction_in_force > 0
),

reduced as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        reduction_in_force,
        row_number() over (
            partition by scenario_id, replicate_id
            order by {{ hazard_key('reduce_draw', 'termination_weight') }}, employee_id
        ) as place
    from left_over
),

leavers as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        case when hired_last_year then 'hired_last_year' else 'experienced' end as termination_reason
    from split
    where leaves

    union all

    select scenario_id, replicate_id, employee_id, 'reduction_in_force'
    from reduced
    where place <= reduction_in_force
),

dated as (
    select
        l.*,
        {{ draw('leave_day', 'l.employee_id', simulation_year()) }} as day_draw
    from leavers as l
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    {{ year_start() }} + cast({{ uniform_below('day_draw', days_in_year()) }} as integer) as termination_date,
    termination_reason
from dated
