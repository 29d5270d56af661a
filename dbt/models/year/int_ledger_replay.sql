{{ config(materialized='ephemeral') }}
-- Every person of the year rebuilt from where the year before left them and the events of this year's ledger, and from
-- nothing else: no plan, no parameter. check_year holds it against the snapshot. Where the year before left them is
-- its snapshot, which its own check_year proved in the same way, and in a scenario's first year the census: so the
-- whole ledger is replayed, each year of it once.
-- Whoever has an event of this year is here, so that an event of somebody who is not of the year is found.
{%- set year = simulation_year() %}
{%- set money = "('contribution', 'match', 'core', 'reallocation', 'limit_cut', 'forfeiture')" %}
{%- set bookings = ['contribution', 'match', 'core', 'reallocation'] %}
{%- set sources = ['match', 'core'] %}
-- What stood on 1 January, and who had left in the year before
with opened as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        false as has_left,
        w.birth_date as opening_birth_date,
        w.hire_date as opening_hire_date,
        w.annual_pay_rate_cents as opening_pay,
        w.job_level as opening_level,
        w.deferral_rate_e5 as opening_rate,
        -- An entry of the first year or later is told by the ledger.
        case when w.plan_entry_date < {{ year_start() }} then w.plan_entry_date end as opening_entry_date,
        w.enrollment_date as opening_enrollment_date,
        w.enrollment_source as opening_enrollment_source,
        w.has_declined,
        w.auto_escalation_opt_out,
        cast(null as date) as opening_opt_out_date,
        cast(0 as bigint) as match_opening_cents,
        cast(0 as bigint) as core_opening_cents
    from {{ ref('base_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year = {{ year }}

    union all

    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        w.termination_date is not null,
        w.birth_date,
        w.hire_date,
        w.annual_pay_rate_cents,
        w.job_level,
        w.deferral_rate_e5,
        case when w.is_eligible then w.plan_entry_date end,
        w.enrollment_date,
        w.enrollment_source,
        w.has_declined,
        w.auto_escalation_opt_out,
        case when w.has_opted_out then w.opt_out_date end,
        w.match_credited_cents,
        w.core_credited_cents
    from {{ ref('fct_workforce_snapshot') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year < {{ year }} and w.simulation_year = {{ year - 1 }}
),

-- What the year says of a person. A person has at most one event of a kind, cuts and forfeitures apart, and one
-- election: check_year counts them. A CASE in each aggregate is faster than a FILTER beside it.
recorded as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        max(birth_date) as birth_date,
        {%- for event in ['hire', 'promotion', 'raise', 'termination', 'eligibility', 'enrollment', 'opt_out'] %}
        max(case when event_type = '{{ event }}' then effective_date end) as {{ event }}_date,
        {%- endfor %}
        {%- for event in ['promotion', 'raise', 'termination'] %}
        max(case when event_type = '{{ event }}' then amount_before_cents end) as {{ event }}_pay_before,
        max(case when event_type = '{{ event }}' then level_before end) as {{ event }}_level_before,
        {%- endfor %}
        {%- for event in ['hire', 'promotion', 'raise'] %}
        max(case when event_type = '{{ event }}' then amount_after_cents end) as {{ event }}_pay,
        max(case when event_type = '{{ event }}' then level_after end) as {{ event }}_level,
        {%- endfor %}
        max(case when event_type in ('enrollment', 'escalation') then effective_date end) as election_date,
        max(case when event_type in ('enrollment', 'escalation') then rate_before_e5 end) as election_rate_before,
        max(case when event_type in ('enrollment', 'escalation') then rate_after_e5 end) as election_rate,
        max(case when event_type = 'opt_out' then rate_before_e5 end) as opt_out_rate_before,
        max(case when event_type = 'opt_out' then rate_after_e5 end) as opt_out_rate,
        max(case when event_type = 'enrollment' then reason end) as enrollment_source,
        count(case when event_type in ('enrollment', 'escalation') then 1 end) as elections,
        count(case when event_type = 'enrollment' then 1 end) as enrollments,
        count(case when event_type = 'opt_out' then 1 end) as opt_outs,
        count(case when event_type = 'termination' then 1 end) as terminations,
        count(case when event_type in ('hire', 'promotion', 'raise', 'eligibility') then 1 end) as other_changes,
        max(case when event_type <> 'termination' then effective_date end) as last_change_date
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year }} and event_type not in {{ money }}
    group by all
),

-- The money of the year, where what was cut is below zero; apart, because half as many sums in each of two tables are
-- far faster than all in one.
booked as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        min(effective_date) as first_booking_date,
        max(effective_date) as last_booking_date,
        {%- for booking in bookings %}
        sum(case when event_type = '{{ booking }}' then amount_before_cents end) as {{ booking }}_before_cents,
        sum(case when event_type = '{{ booking }}' then amount_after_cents end) as {{ booking }}_cents,
        {%- endfor %}
        sum(case when event_type = 'limit_cut' and reason = 'compensation' then amount_before_cents end)
            as compensation_before_cents,
        sum(case when event_type = 'limit_cut' and reason in ('elective', 'annual_additions_employee')
            then amount_after_cents - amount_before_cents end) as contribution_cut_cents,
        {%- for source in sources %}
        sum(case when event_type = 'limit_cut' and reason = 'annual_additions_{{ source }}'
            then amount_after_cents - amount_before_cents end) as {{ source }}_cut_cents,
        sum(case when event_type = 'forfeiture' and reason = '{{ source }}' then amount_before_cents end)
            as {{ source }}_forfeitable_cents,
        sum(case when event_type = 'forfeiture' and reason = '{{ source }}' then amount_after_cents end)
            as {{ source }}_forfeited_cents
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year }} and event_type in {{ money }}
    group by all
),

people as (
    select
        * exclude (has_left),
        coalesce(o.has_left, false) as has_left,
        coalesce(r.hire_date, {{ year_start() }}) as first_day,
        coalesce(r.termination_date, {{ year_end() }}) + 1 as day_after,
        coalesce(r.hire_pay, o.opening_pay) as start_pay,
        coalesce(r.hire_level, o.opening_level) as start_level,
        -- On one day the promotion comes first.
        coalesce(r.raise_date < r.promotion_date, false) as is_raised_first,
        r.promotion_date is not null and coalesce(r.raise_date >= r.promotion_date, true) as is_promoted_first,
        coalesce(r.promotion_pay - r.promotion_pay_before, 0) as promotion_step,
        coalesce(r.raise_pay - r.raise_pay_before, 0) as raise_step,
        coalesce(r.election_rate, 0) - coalesce(r.election_rate_before, 0) as election_step,
        coalesce(r.opt_out_rate, 0) - coalesce(r.opt_out_rate_before, 0) as opt_out_step,
        case when r.elections > 0 then r.election_rate else o.opening_rate end as elected_rate
    from opened as o
    full join recorded as r using (scenario_id, replicate_id, employee_id)
    full join booked as b using (scenario_id, replicate_id, employee_id)
    where r.employee_id is not null or b.employee_id is not null or not o.has_left
),

paid as (
    select
        *,
        case
            when is_raised_first then promotion_pay
            when raise_date is not null then raise_pay
            when promotion_date is not null then promotion_pay
            else start_pay
        end as closing_pay,
        case
            when is_raised_first then promotion_level
            when raise_date is not null then raise_level
            when promotion_date is not null then promotion_level
            else start_level
        end as closing_level,
        {{ ledger_pay_days('first_day') }} as pay_days,
        -- the rate of 1 January for all days, and what each change of it adds from its day on
        coalesce(opening_rate, 0) * {{ ledger_pay_days('first_day') }}
            + case when election_date is not null then election_step * {{ ledger_pay_days('election_date') }} else 0 end
            + case when opt_out_date is not null then opt_out_step * {{ ledger_pay_days('opt_out_date') }} else 0 end
            as deferral_days
    from people
)

select
    scenario_id,
    replicate_id,
    {{ year }} as simulation_year,
    employee_id,
    coalesce(birth_date, opening_birth_date) as birth_date,
    coalesce(hire_date, opening_hire_date) as hire_date,
    termination_date,
    case when termination_date is null then 'active' else 'terminated' end as employment_status,
    case
        when hire_date is not null then 'new_hire_' when termination_date is null then 'continuous_'
        else 'experienced_'
    end || case when termination_date is null then 'active' else 'terminated' end as detailed_status,
    has_left,
    coalesce(terminations, 0) as terminations,
    last_change_date,
    first_booking_date,
    last_booking_date,
    closing_level as job_level,
    closing_pay as annual_pay_rate_cents,
    cast({{ div_round_wide('pay_days', days_in_year()) }} as bigint) as prorated_pay_cents,
    -- each event starts from what the one before it left
    cast(promotion_date is not null and (
        promotion_pay_before is distinct from case when is_raised_first then raise_pay else start_pay end
        or promotion_level_before is distinct from case when is_raised_first then raise_level else start_level end
    ) as integer)
    + cast(raise_date is not null and (
        raise_pay_before is distinct from case when is_promoted_first then promotion_pay else start_pay end
        or raise_level_before is distinct from case when is_promoted_first then promotion_level else start_level end
    ) as integer)
    + cast(termination_date is not null and (
        termination_pay_before is distinct from closing_pay or termination_level_before is distinct from closing_level
    ) as integer)
    + cast(election_date is not null and election_rate_before is distinct from opening_rate as integer)
    + cast(opt_out_date is not null and opt_out_rate_before is distinct from elected_rate as integer)
        as broken_links,
    -- events of the kinds that come once, beyond the first
    coalesce(
        greatest(elections - 1, 0) + greatest(opt_outs - 1, 0) + greatest(terminations - 1, 0) + other_changes
        - cast(hire_date is not null as integer) - cast(promotion_date is not null as integer)
        - cast(raise_date is not null as integer) - cast(eligibility_date is not null as integer),
        0
    ) as repeated_events,
    coalesce(opening_entry_date, eligibility_date) as entry_date,
    coalesce(opening_enrollment_date, enrollment_date) as enrollment_date,
    coalesce(opening_enrollment_source, enrollment_source) as enrollment_source,
    coalesce(has_declined, false) as has_declined,
    coalesce(elections > enrollments, false) as is_escalated,
    coalesce(auto_escalation_opt_out, false) as auto_escalation_opt_out,
    coalesce(enrollments, 0) + cast(opening_enrollment_date is not null as integer) as enrollments,
    election_date as last_election_date,
    coalesce(opening_opt_out_date, opt_out_date) as opt_out_date,
    coalesce(opt_outs, 0) + cast(opening_opt_out_date is not null as integer) as opt_outs,
    case when opt_outs > 0 then opt_out_rate else elected_rate end as deferral_rate_e5,
    -- what the rates and the pay of the ledger's own days give, and what the contribution says it started from
    cast(coalesce({{ div_round_wide('deferral_days', '100000 * ' ~ days_in_year()) }}, 0) as bigint)
        as recomputed_contribution_cents,
    {%- for booking in bookings %}
    cast(coalesce({{ booking }}_before_cents, 0) as bigint) as {{ booking }}_before_cents,
    cast(coalesce({{ booking }}_cents, 0) as bigint) as {{ booking }}_cents,
    {%- endfor %}
    cast(compensation_before_cents as bigint) as compensation_before_cents,
    cast(coalesce(contribution_cut_cents, 0) as bigint) as contribution_cut_cents,
    {%- for source in sources %}
    cast(coalesce({{ source }}_cut_cents, 0) as bigint) as {{ source }}_cut_cents,
    cast(coalesce({{ source }}_opening_cents, 0) + coalesce({{ source }}_cents, 0) as bigint)
        as {{ source }}_credited_cents,
    cast({{ source }}_forfeitable_cents as bigint) as {{ source }}_forfeitable_cents,
    cast(coalesce({{ source }}_forfeited_cents, 0) as bigint) as {{ source }}_forfeited_cents
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
from paid
