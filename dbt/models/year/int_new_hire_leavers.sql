-- Who of the hires leaves again before the year is over: by hazard, of those hired by 30 December, on a day
-- from the day after hire to 31 December.
with keyed as (
    select
        h.scenario_id,
        h.replicate_id,
        h.employee_id,
        h.hire_date,
        h.termination_weight,
        p.new_hire_leavers,
        {{ draw('leave', 'h.employee_id', simulation_year()) }} as leave_draw,
        {{ draw('leave_day', 'h.employee_id', simulation_year()) }} as day_draw
    from {{ ref('int_hires') }} as h
    inner join {{ ref('int_headcount_plan') }} as p
        on p.scenario_id = h.scenario_id and p.replicate_id = h.replicate_id
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = h.scenario_id and s.replicate_id = h.replicate_id
    where h.hire_date < {{ year_end() }} and p.new_hire_leavers > 0
),

ranked as (
    select
        *,
        row_number() over (
            partition by scenario_id, replicate_id
            order by {{ hazard_key('leave_draw', 'termination_weight') }}, employee_id
        ) as place
    from keyed
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    hire_date + 1
        + cast({{ uniform_below('day_draw', '(' ~ year_end() ~ ' - hire_date)') }} as integer) as termination_date,
    'new_hire' as termination_reason
from ranked
where place <= new_hire_leavers
