{{ config(materialized='ephemeral') }}
-- Every person of the year rebuilt from the census and the events of the ledger up to this year, and from
-- nothing else: no snapshot, no parameter. check_year holds it against the snapshot.
with entries as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        'census' as event_type,
        s.first_year - 1 as simulation_year,
        w.hire_date as effective_date,
        cast(-1 as bigint) as ordinal,
        cast(null as bigint) as amount_before_cents,
        w.annual_pay_rate_cents as amount_after_cents,
        cast(null as integer) as level_before,
        w.job_level as level_after,
        w.birth_date
    from {{ ref('base_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year <= {{ simulation_year() }}

    union all

    select
        scenario_id,
        replicate_id,
        employee_id,
        event_type,
        simulation_year,
        effective_date,
        (effective_date - date '1900-01-01') * 100 + event_sequence,
        amount_before_cents,
        amount_after_cents,
        level_before,
        level_after,
        birth_date
    from {{ ref('fct_yearly_events') }}
    where simulation_year <= {{ simulation_year() }}
        and event_type in ('hire', 'promotion', 'raise', 'termination')
),

-- The person as it stood on 1 January, from everything before this year
opened as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        max(effective_date) filter (where event_type in ('census', 'hire')) as hire_date,
        max(birth_date) as birth_date,
        arg_max(amount_after_cents, ordinal) filter (where amount_after_cents is not null) as amount_cents,
        arg_max(level_after, ordinal) filter (where level_after is not null) as level
    from entries
    where simulation_year < {{ simulation_year() }}
    group by all
    having not bool_or(event_type = 'termination')
),

-- What the year brought, in order: the pay that holds from `from_date` on; a termination ends the day after its date
points as (
    select
        scenario_id, replicate_id, employee_id,
        'opening' as event_type,
        cast(-1 as bigint) as ordinal,
        {{ year_start() }} as from_date,
        cast(null as bigint) as amount_before_cents, amount_cents as amount_after_cents,
        cast(null as integer) as level_before, level as level_after,
        hire_date, birth_date, cast(null as date) as termination_date
    from opened

    union all

    select
        scenario_id, replicate_id, employee_id, event_type, ordinal,
        case when event_type = 'termination' then effective_date + 1 else effective_date end,
        amount_before_cents, amount_after_cents, level_before, level_after,
        case when event_type = 'hire' then effective_date end,
        birth_date,
        case when event_type = 'termination' then effective_date end
    from entries
    where simulation_year = {{ simulation_year() }}
),

periods as (
    select
        *,
        coalesce(lead(from_date) over in_order, {{ year_start(1) }}) - from_date as days,
        event_type in ('promotion', 'raise', 'termination') and (
            amount_before_cents is distinct from lag(amount_after_cents) over in_order
            or level_before is distinct from lag(level_after) over in_order
        ) as is_broken_link
    from points
    window in_order as (partition by scenario_id, replicate_id, employee_id order by ordinal)
),

people as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        max(birth_date) as birth_date,
        max(hire_date) as hire_date,
        max(termination_date) as termination_date,
        bool_or(event_type = 'hire') as is_new_hire,
        arg_max(level_after, ordinal) filter (where level_after is not null) as job_level,
        arg_max(amount_after_cents, ordinal) filter (where amount_after_cents is not null) as annual_pay_rate_cents,
        sum(amount_after_cents * days) filter (where event_type <> 'termination') as pay_days,
        count(*) filter (where is_broken_link) as broken_links
    from periods
    group by all
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    birth_date,
    hire_date,
    termination_date,
    case when termination_date is null then 'active' else 'terminated' end as employment_status,
    case when is_new_hire then 'new_hire_' when termination_date is null then 'continuous_' else 'experienced_' end
        || case when termination_date is null then 'active' else 'terminated' end as detailed_status,
    job_level,
    annual_pay_rate_cents,
    cast({{ div_round('pay_days', days_in_year()) }} as bigint) as prorated_pay_cents,
    broken_links
from people
