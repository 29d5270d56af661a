{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- What was counted, not what was planned: people of 1 January, events of the ledger, people of 31 December. The
-- target alone is taken from the plan; check_year compares.
with opened as (
    select
        scenario_id,
        replicate_id,
        count(*) as opening,
        sum(expected_termination_e15) as expected_termination_e15
    from {{ ref('int_opening_workforce') }}
    group by all
),

happened as (
    select
        scenario_id,
        replicate_id,
        count(*) filter (where event_type = 'hire') as hires,
        count(*) filter (where event_type = 'promotion') as promotions,
        count(*) filter (where event_type = 'termination' and reason = 'new_hire') as new_hire_leavers,
        count(*) filter (where event_type = 'termination' and reason in ('experienced', 'hired_last_year'))
            as experienced_leavers,
        count(*) filter (where event_type = 'termination' and reason = 'reduction_in_force') as reduction_in_force
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ simulation_year() }}
    group by all
),

closed as (
    select
        scenario_id,
        replicate_id,
        count(*) filter (where employment_status = 'active') as closing,
        sum(prorated_pay_cents) as payroll_cents
    from {{ ref('fct_workforce_snapshot') }}
    where simulation_year = {{ simulation_year() }}
    group by all
)

select
    p.scenario_id,
    p.replicate_id,
    p.simulation_year,
    coalesce(o.opening, 0) as opening,
    coalesce(h.hires, 0) as hires,
    coalesce(h.new_hire_leavers, 0) as new_hire_leavers,
    coalesce(h.experienced_leavers, 0) as experienced_leavers,
    coalesce(h.reduction_in_force, 0) as reduction_in_force,
    coalesce(c.closing, 0) as closing,
    p.target,
    coalesce(h.promotions, 0) as promotions,
    cast(coalesce(c.payroll_cents, 0) as bigint) as payroll_cents,
    cast(case when o.opening > 0
        then {{ div_round('o.expected_termination_e15', 'cast(o.opening as hugeint) * 10000000000') }}
        else 0 end as integer) as expected_termination_rate_e5,
    cast(case when o.opening > 0
        then {{ div_round(
            'coalesce(h.new_hire_leavers + h.experienced_leavers + h.reduction_in_force, 0) * 100000', 'o.opening'
        ) }}
        else 0 end as integer) as leaver_share_e5
from {{ ref('int_headcount_plan') }} as p
left join opened as o on o.scenario_id = p.scenario_id and o.replicate_id = p.replicate_id
left join happened as h on h.scenario_id = p.scenario_id and h.replicate_id = p.replicate_id
left join closed as c on c.scenario_id = p.scenario_id and c.replicate_id = p.replicate_id
