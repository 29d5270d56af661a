{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- The ledger. Events of one person and day apply in the order of event_sequence.
with events as (
    select
        scenario_id, replicate_id, employee_id,
        'hire' as event_type,
        hire_date as effective_date,
        10 as event_sequence,
        cast(null as bigint) as amount_before_cents,
        opening_pay_cents as amount_after_cents,
        cast(null as integer) as level_before,
        opening_level as level_after,
        cast(null as integer) as rate_before_e5,
        cast(null as integer) as rate_after_e5,
        'headcount_plan' as reason,
        birth_date,
        scheduled_hours_per_week
    from {{ ref('int_plan_accounts') }}
    where is_new_hire

    union all

    select
        scenario_id, replicate_id, employee_id,
        'promotion', {{ promotion_date() }}, 20,
        january_pay_cents, promoted_pay_cents, opening_level, closing_level, null, null,
        case when below_band then 'below_band' else 'promotion' end,
        null, null
    from {{ ref('int_plan_accounts') }}
    where is_promoted

    union all

    select
        scenario_id, replicate_id, employee_id,
        'raise', raise_date, 30,
        case when raise_month = 1 then opening_pay_cents else promoted_pay_cents end,
        case when raise_month = 1 then january_pay_cents else closing_pay_cents end,
        case when raise_month = 1 then opening_level else closing_level end,
        case when raise_month = 1 then opening_level else closing_level end,
        null, null,
        'merit_and_cola',
        null, null
    from {{ ref('int_plan_accounts') }}
    where has_raise

    union all

    select
        scenario_id, replicate_id, employee_id,
        'termination', termination_date, 90,
        closing_pay_cents, null, closing_level, null, null, null,
        termination_reason,
        null, null
    from {{ ref('int_plan_accounts') }}
    where termination_date is not null

    union all

    select
        scenario_id, replicate_id, employee_id,
        'escalation', {{ year_start() }}, 15,
        null, null, null, null, opening_rate_e5, rate_of_year_e5,
        'automatic_escalation',
        null, null
    from {{ ref('int_plan_accounts') }}
    where escalates

    union all

    select
        scenario_id, replicate_id, employee_id,
        'eligibility', plan_entry_date, 40,
        null, null, null, null, null, null,
        'entry_date',
        null, null
    from {{ ref('int_plan_accounts') }}
    where becomes_eligible

    union all

    select
        scenario_id, replicate_id, employee_id,
        'enrollment', enrollment_date, 50,
        null, null, null, null, opening_rate_e5, rate_of_year_e5,
        enrollment_source,
        null, null
    from {{ ref('int_plan_accounts') }}
    where is_voluntary or is_automatic

    union all

    select
        scenario_id, replicate_id, employee_id,
        'opt_out', opt_out_date, 60,
        null, null, null, null, rate_of_year_e5, 0,
        'opt_out',
        null, null
    from {{ ref('int_plan_accounts') }}
    where opts_out

    union all

    select
        scenario_id, replicate_id, employee_id,
        event_type, booking_date, event_sequence,
        amount_before_cents, amount_after_cents, null, null, null, null,
        reason,
        null, null
    from {{ ref('int_plan_bookings') }}
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    concat(
        scenario_id, ':', replicate_id, ':{{ simulation_year() }}:', employee_id, ':', event_type,
        case when event_type in ('limit_cut', 'forfeiture') then concat(':', reason) end
    ) as event_id,
    event_type,
    effective_date,
    event_sequence,
    amount_before_cents,
    amount_after_cents,
    level_before,
    level_after,
    rate_before_e5,
    rate_after_e5,
    reason,
    birth_date,
    scheduled_hours_per_week
from events
