{{ config(materialized='ephemeral') }}
-- Every person of the year rebuilt from the census and the events of the ledger up to this year, and from
-- nothing else: no snapshot, no parameter. check_year holds it against the snapshot.
-- Whoever has an event of this year is here, so that an event of somebody who is not of the year is found.
{%- set year = simulation_year() %}
{%- set bookings = ['contribution', 'match', 'core', 'reallocation'] %}
{%- set sources = ['match', 'core'] %}
-- The ledger grows with the years: it is read three times rather than held in memory once.
with ledger as not materialized (
    select
        *,
        (effective_date - date '1900-01-01') * 1000 + event_sequence as ordinal
    from {{ ref('fct_yearly_events') }}
    where simulation_year <= {{ year }}
),

census as (
    select
        w.*,
        make_date(s.first_year, 1, 1) as first_day
    from {{ ref('base_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year <= {{ year }}
),

-- What all years say, and what stood on 1 January. In the plan a person enrols once and opts out once.
recorded as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        bool_or(simulation_year = {{ year }}) as has_events,
        coalesce(bool_or(event_type = 'termination' and simulation_year < {{ year }}), false) as has_left,
        coalesce(bool_or(event_type = 'hire' and simulation_year = {{ year }}), false) as is_new_hire,
        max(birth_date) as birth_date,
        max(effective_date) filter (where event_type = 'hire') as hire_date,
        max(effective_date) filter (where event_type = 'termination' and simulation_year = {{ year }})
            as termination_date,
        arg_max(amount_after_cents, ordinal)
            filter (where simulation_year < {{ year }} and event_type in ('hire', 'promotion', 'raise'))
            as opening_pay_cents,
        arg_max(level_after, ordinal)
            filter (where simulation_year < {{ year }} and event_type in ('hire', 'promotion', 'raise'))
            as opening_level,
        arg_max(rate_after_e5, ordinal)
            filter (where simulation_year < {{ year }} and event_type in ('enrollment', 'escalation', 'opt_out'))
            as opening_rate_e5,
        min(effective_date) filter (where event_type = 'eligibility') as entry_date,
        min(effective_date) filter (where event_type = 'enrollment') as enrollment_date,
        min(reason) filter (where event_type = 'enrollment') as enrollment_source,
        count(*) filter (where event_type = 'enrollment') as enrollments,
        max(effective_date) filter (where event_type in ('enrollment', 'escalation')) as last_election_date,
        coalesce(bool_or(event_type = 'escalation' and simulation_year = {{ year }}), false) as is_escalated,
        min(effective_date) filter (where event_type = 'opt_out') as opt_out_date,
        count(*) filter (where event_type = 'opt_out') as opt_outs,
        sum(amount_after_cents) filter (where event_type = 'match') as match_credited_cents,
        sum(amount_after_cents) filter (where event_type = 'core') as core_credited_cents
    from ledger
    group by all
),

people as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        coalesce(r.has_events, false) as has_events,
        coalesce(r.has_left, false) as has_left,
        coalesce(r.is_new_hire, false) as is_new_hire,
        coalesce(r.birth_date, c.birth_date) as birth_date,
        coalesce(r.hire_date, c.hire_date) as hire_date,
        r.termination_date,
        coalesce(r.opening_pay_cents, c.annual_pay_rate_cents) as opening_pay_cents,
        coalesce(r.opening_level, c.job_level) as opening_level,
        coalesce(r.opening_rate_e5, c.deferral_rate_e5) as opening_rate_e5,
        -- An entry before the first year has no event.
        case when c.plan_entry_date < c.first_day then c.plan_entry_date else r.entry_date end as entry_date,
        coalesce(c.enrollment_date, r.enrollment_date) as enrollment_date,
        case when c.enrollment_date is null then r.enrollment_source else 'census' end as enrollment_source,
        coalesce(c.deferral_rate_e5 = 0, false) as has_declined,
        coalesce(c.auto_escalation_opt_out, false) as auto_escalation_opt_out,
        coalesce(r.is_escalated, false) as is_escalated,
        coalesce(r.enrollments, 0) + cast(c.enrollment_date is not null as integer) as enrollments,
        r.last_election_date,
        r.opt_out_date,
        coalesce(r.opt_outs, 0) as opt_outs,
        coalesce(r.match_credited_cents, 0) as match_credited_cents,
        coalesce(r.core_credited_cents, 0) as core_credited_cents
    from census as c
    full join recorded as r using (scenario_id, replicate_id, employee_id)
),

-- What the year brought, in order: the pay or the deferral rate that holds from `from_date` on; a termination ends the
-- day after its date.
points as (
    select
        scenario_id, replicate_id, employee_id,
        'opening' as event_type,
        cast(-1 as bigint) as ordinal,
        {{ year_start() }} as from_date,
        cast(null as bigint) as amount_before_cents, opening_pay_cents as amount_after_cents,
        cast(null as integer) as level_before, opening_level as level_after,
        cast(null as integer) as rate_before_e5, opening_rate_e5 as rate_after_e5
    from people
    where not has_left and opening_pay_cents is not null

    union all

    select
        scenario_id, replicate_id, employee_id, event_type, ordinal,
        case when event_type = 'termination' then effective_date + 1 else effective_date end,
        amount_before_cents, amount_after_cents, level_before, level_after, rate_before_e5, rate_after_e5
    from ledger
    where simulation_year = {{ year }}
        and event_type in ('hire', 'promotion', 'raise', 'termination', 'enrollment', 'escalation', 'opt_out')
),

-- Spans of one pay and one rate, whatever changes between them
spans as (
    select
        scenario_id, replicate_id, employee_id, event_type, ordinal,
        coalesce(lead(from_date) over in_order, {{ year_start(1) }}) - from_date as days,
        last_value(amount_after_cents ignore nulls) over so_far as pay_cents,
        last_value(level_after ignore nulls) over so_far as level,
        last_value(rate_after_e5 ignore nulls) over so_far as rate_e5,
        case
            when event_type in ('promotion', 'raise', 'termination') then
                amount_before_cents is distinct from last_value(amount_after_cents ignore nulls) over before
                or level_before is distinct from last_value(level_after ignore nulls) over before
            when event_type in ('enrollment', 'escalation', 'opt_out') then
                rate_before_e5 is distinct from last_value(rate_after_e5 ignore nulls) over before
            else false
        end as is_broken_link
    from points
    window
        in_order as (partition by scenario_id, replicate_id, employee_id order by ordinal),
        so_far as (in_order rows between unbounded preceding and current row),
        before as (in_order rows between unbounded preceding and 1 preceding)
),

paid as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        arg_max(pay_cents, ordinal) as annual_pay_rate_cents,
        arg_max(level, ordinal) as job_level,
        arg_max(rate_e5, ordinal) as deferral_rate_e5,
        sum(pay_cents * days) filter (where event_type <> 'termination') as pay_days,
        sum(cast(pay_cents as hugeint) * rate_e5 * days) filter (where event_type <> 'termination') as deferral_days,
        count(*) filter (where is_broken_link) as broken_links
    from spans
    group by all
),

-- The money of the year; what was cut is below zero.
booked as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        {%- for booking in bookings %}
        sum(amount_before_cents) filter (where event_type = '{{ booking }}') as {{ booking }}_before_cents,
        sum(amount_after_cents) filter (where event_type = '{{ booking }}') as {{ booking }}_cents,
        {%- endfor %}
        sum(amount_before_cents) filter (where event_type = 'limit_cut' and reason = 'compensation')
            as compensation_before_cents,
        sum(amount_after_cents - amount_before_cents)
            filter (where event_type = 'limit_cut' and reason in ('elective', 'annual_additions_employee'))
            as contribution_cut_cents,
        {%- for source in sources %}
        sum(amount_after_cents - amount_before_cents)
            filter (where event_type = 'limit_cut' and reason = 'annual_additions_{{ source }}')
            as {{ source }}_cut_cents,
        sum(amount_before_cents) filter (where event_type = 'forfeiture' and reason = '{{ source }}')
            as {{ source }}_forfeitable_cents,
        sum(amount_after_cents) filter (where event_type = 'forfeiture' and reason = '{{ source }}')
            as {{ source }}_forfeited_cents
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from ledger
    where simulation_year = {{ year }}
        and event_type in ('contribution', 'match', 'core', 'reallocation', 'limit_cut', 'forfeiture')
    group by all
)

select
    p.scenario_id,
    p.replicate_id,
    {{ year }} as simulation_year,
    p.employee_id,
    p.birth_date,
    p.hire_date,
    p.termination_date,
    case when p.termination_date is null then 'active' else 'terminated' end as employment_status,
    case
        when p.is_new_hire then 'new_hire_' when p.termination_date is null then 'continuous_' else 'experienced_'
    end || case when p.termination_date is null then 'active' else 'terminated' end as detailed_status,
    d.job_level,
    d.annual_pay_rate_cents,
    cast({{ div_round('d.pay_days', days_in_year()) }} as bigint) as prorated_pay_cents,
    d.broken_links,
    p.entry_date,
    p.enrollment_date,
    p.enrollment_source,
    p.has_declined,
    p.is_escalated,
    p.auto_escalation_opt_out,
    p.enrollments,
    p.last_election_date,
    p.opt_out_date,
    p.opt_outs,
    d.deferral_rate_e5,
    -- what the rates and the pay of the ledger's own days give, and what the contribution says it started from
    cast(coalesce({{ div_round('d.deferral_days', '100000 * ' ~ days_in_year()) }}, 0) as bigint)
        as recomputed_contribution_cents,
    {%- for booking in bookings %}
    cast(coalesce(b.{{ booking }}_before_cents, 0) as bigint) as {{ booking }}_before_cents,
    cast(coalesce(b.{{ booking }}_cents, 0) as bigint) as {{ booking }}_cents,
    {%- endfor %}
    cast(b.compensation_before_cents as bigint) as compensation_before_cents,
    cast(coalesce(b.contribution_cut_cents, 0) as bigint) as contribution_cut_cents,
    {%- for source in sources %}
    cast(coalesce(b.{{ source }}_cut_cents, 0) as bigint) as {{ source }}_cut_cents,
    cast(p.{{ source }}_credited_cents as bigint) as {{ source }}_credited_cents,
    cast(b.{{ source }}_forfeitable_cents as bigint) as {{ source }}_forfeitable_cents,
    cast(coalesce(b.{{ source }}_forfeited_cents, 0) as bigint) as {{ source }}_forfeited_cents
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from people as p
left join paid as d
    on d.scenario_id = p.scenario_id and d.replicate_id = p.replicate_id and d.employee_id = p.employee_id
left join booked as b
    on b.scenario_id = p.scenario_id and b.replicate_id = p.replicate_id and b.employee_id = p.employee_id
where p.has_events or not p.has_left
