-- Headcount of the year, exact, for each scenario and replicate:
--   N employed on 1 January, P of them hired last year, X = N - P; growth g, termination rate t, first-year rate n
--   T = round_half_up(N * (1 + g)),  E_P = floor(P * n),  E = floor(X * t + P * n),  net = T - (N - E)
--   net > 0:  H = ceil(net / (1 - n)), F = H - net;   else H = F = 0 and |net| more leave (reduction in force)
with counted as (
    select
        s.scenario_id,
        s.replicate_id,
        s.growth_rate_e5,
        s.termination_rate_e5,
        s.first_year_termination_rate_e5,
        s.hire_level_shares,
        count(w.employee_id) as opening,
        count(w.employee_id) filter (where w.hired_last_year) as hired_last_year
    from {{ ref('dim_scenario') }} as s
    left join {{ ref('int_opening_workforce') }} as w
        on w.scenario_id = s.scenario_id and w.replicate_id = s.replicate_id
    where s.first_year <= {{ simulation_year() }}
    group by all
),

leaving as (
    select
        *,
        {{ div_round('opening * (100000 + growth_rate_e5)', '100000') }} as target,
        hired_last_year * first_year_termination_rate_e5 // 100000 as leavers_hired_last_year,
        (
            (opening - hired_last_year) * termination_rate_e5
            + hired_last_year * first_year_termination_rate_e5
        ) // 100000 as experienced_leavers
    from counted
),

netted as (
    select
        *,
        target - (opening - experienced_leavers) as net
    from leaving
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    opening,
    hired_last_year,
    target,
    leavers_hired_last_year,
    experienced_leavers,
    greatest(-net, 0) as reduction_in_force,
    case when net > 0 then (
        net * 100000 + (100000 - first_year_termination_rate_e5) - 1
    ) // (100000 - first_year_termination_rate_e5) else 0 end as hires,
    case when net > 0 then (
        net * 100000 + (100000 - first_year_termination_rate_e5) - 1
    ) // (100000 - first_year_termination_rate_e5) - net else 0 end as new_hire_leavers,
    hire_level_shares
from netted
