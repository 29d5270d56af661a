-- Proves that the ledger gives the year, or stops it: every person rebuilt from it is the person of the snapshot, its
-- events are in order, and headcounts add up. One row for each scenario and replicate with the number of violations of
-- each check; any violation is an error. check_plan goes on with the money.
{%- set year = simulation_year() %}
{#- w: the person of the snapshot, r: the person of the replayed ledger; either may be missing. #}
{%- set compared = {
    'replay_people': 'r.hire_date is null or w.employee_id is null'
        ~ " or (starts_with(r.detailed_status, 'new_hire') and not starts_with(r.employee_id, 'NH_" ~ year ~ "_'))",
    'replay_status': 'r.employment_status is distinct from w.employment_status'
        ~ ' or r.detailed_status is distinct from w.detailed_status',
    'replay_dates': 'r.birth_date is distinct from w.birth_date or r.hire_date is distinct from w.hire_date'
        ~ ' or r.termination_date is distinct from w.termination_date',
    'replay_level': 'r.job_level is distinct from w.job_level',
    'replay_pay_rate': 'r.annual_pay_rate_cents is distinct from w.annual_pay_rate_cents',
    'replay_prorated_pay': 'r.prorated_pay_cents is distinct from w.prorated_pay_cents',
    'replay_chain': 'r.broken_links > 0',
    'replay_eligibility': '(r.entry_date is not null) is distinct from w.is_eligible'
        ~ ' or (w.is_eligible and r.entry_date is distinct from w.plan_entry_date)',
    'replay_enrollment': 'r.enrollment_date is distinct from w.enrollment_date'
        ~ ' or r.enrollment_source is distinct from w.enrollment_source'
        ~ ' or r.has_declined is distinct from w.has_declined'
        ~ ' or r.auto_escalation_opt_out is distinct from w.auto_escalation_opt_out',
    'replay_opt_out': '(r.opt_outs > 0) is distinct from w.has_opted_out'
        ~ ' or (w.has_opted_out and r.opt_out_date is distinct from w.opt_out_date)',
    'replay_deferral': 'r.deferral_rate_e5 is distinct from w.deferral_rate_e5',
    'replay_contribution': 'r.contribution_cents is distinct from w.contribution_cents',
    'replay_deferral_days': 'r.recomputed_contribution_cents is distinct from r.contribution_before_cents',
    'replay_match': 'r.match_cents is distinct from w.match_cents',
    'replay_core': 'r.core_cents is distinct from w.core_cents',
    'replay_reallocation': 'r.reallocation_cents is distinct from w.reallocated_cents',
    'replay_cuts': 'r.contribution_cents is distinct from r.contribution_before_cents + r.contribution_cut_cents'
        ~ ' or r.match_cents is distinct from r.match_before_cents + r.match_cut_cents'
        ~ ' or r.core_cents is distinct from r.core_before_cents + r.core_cut_cents'
        ~ ' or r.compensation_before_cents <> r.prorated_pay_cents',
    'replay_credited': 'r.match_credited_cents is distinct from w.match_credited_cents'
        ~ ' or r.core_credited_cents is distinct from w.core_credited_cents',
    'replay_forfeited': 'r.match_forfeited_cents is distinct from w.match_forfeited_cents'
        ~ ' or r.core_forfeited_cents is distinct from w.core_forfeited_cents'
        ~ ' or r.match_forfeitable_cents <> r.match_credited_cents'
        ~ ' or r.core_forfeitable_cents <> r.core_credited_cents',
    'enrollment_before_eligibility': 'r.enrollment_date is not null'
        ~ ' and not coalesce(r.entry_date <= r.enrollment_date, false)',
    'two_open_enrollments': 'r.enrollments - r.opt_outs > 1',
    'election_after_opt_out': 'r.last_election_date >= r.opt_out_date',
    'escalation_not_due': 'r.is_escalated and (r.auto_escalation_opt_out'
        ~ ' or not coalesce(r.enrollment_date <= ' ~ year_start(-1) ~ ', false))',
    'opt_out_not_automatic': "r.opt_outs > 0 and r.enrollment_source is distinct from 'automatic'",
    'duplicate_events': 'r.repeated_events > 0',
    'event_after_termination': 'r.has_left or r.terminations > 1 or r.last_change_date >= r.termination_date'
        ~ ' or r.last_booking_date > r.termination_date',
    'booking_date': 'r.first_booking_date <> coalesce(w.termination_date, ' ~ year_end() ~ ')'
        ~ ' or r.last_booking_date <> coalesce(w.termination_date, ' ~ year_end() ~ ')',
    'pay_not_positive': 'w.annual_pay_rate_cents <= 0 or w.prorated_pay_cents < 0 or w.full_year_equivalent_cents <= 0',
} %}
{#- The columns of the table, in their order #}
{%- set later = ['duplicate_events', 'event_after_termination', 'booking_date'] %}
{%- set checks = compared.keys() | reject('in', later) | list + [
    'duplicate_people', 'duplicate_events', 'event_after_termination', 'event_outside_year', 'booking_date',
    'escalation_date', 'headcount_identity', 'headcount_target', 'headcount_plan', 'headcount_opening',
    'level_identity', 'level_total',
] %}

with snapshot as not materialized (
    select *
    from {{ ref('fct_workforce_snapshot') }}
    where simulation_year = {{ year }}
),

-- read twice, for few columns, rather than held in memory
ledger as not materialized (
    select *
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year }}
),

levels as (
    select *
    from {{ ref('fct_headcount_by_level') }}
    where simulation_year = {{ year }}
),

-- held, so that each condition is worked out once, and not again for the names of those who fail one
judged as materialized (
    select
        coalesce(w.scenario_id, r.scenario_id) as scenario_id,
        coalesce(w.replicate_id, r.replicate_id) as replicate_id,
        coalesce(w.employee_id, r.employee_id) as employee_id
        {%- for check, condition in compared.items() %},
        {{ condition }} as {{ check }}
        {%- endfor %}
    from snapshot as w
    full join {{ ref('int_ledger_replay') }} as r
        on r.scenario_id = w.scenario_id and r.replicate_id = w.replicate_id and r.employee_id = w.employee_id
),

violations as (
    {{ failed_checks(compared) }}

    union all

    select scenario_id, replicate_id, 'duplicate_people', employee_id
    from snapshot
    group by all
    having count(*) > 1

    union all

    select scenario_id, replicate_id, 'duplicate_events', employee_id
    from ledger
    where event_id in (select event_id from ledger group by event_id having count(*) > 1)

    union all

    select
        scenario_id, replicate_id,
        unnest([
            case when effective_date not between {{ year_start() }} and {{ year_end() }} then 'event_outside_year' end,
            case when event_type = 'escalation' and effective_date <> {{ year_start() }} then 'escalation_date' end
        ]),
        employee_id
    from ledger
    where effective_date not between {{ year_start() }} and {{ year_end() }} or event_type = 'escalation'

    union all

    select scenario_id, replicate_id, 'level_identity', null
    from levels
    where opening + hires + promotions_in - promotions_out - terminations <> closing

    union all

    select
        s.scenario_id, s.replicate_id,
        unnest([
            case when h.opening + h.hires - h.new_hire_leavers - h.experienced_leavers - h.reduction_in_force
                <> h.closing then 'headcount_identity' end,
            case when h.closing <> h.target then 'headcount_target' end,
            case when (p.opening, p.hires, p.new_hire_leavers, p.experienced_leavers, p.reduction_in_force, p.target)
                is distinct from
                (h.opening, h.hires, h.new_hire_leavers, h.experienced_leavers, h.reduction_in_force, h.target)
                then 'headcount_plan' end,
            -- A year opens with what the year before closed with, the first year with the census.
            case when h.scenario_id is not null and h.opening is distinct from
                case when s.first_year = {{ year }} then coalesce(c.people, 0) else b.closing end
                then 'headcount_opening' end,
            case when h.scenario_id is not null and not coalesce(
                l.opening = h.opening and l.hires = h.hires and l.promotions_in = h.promotions
                and l.promotions_out = h.promotions and l.closing = h.closing
                and l.terminations = h.new_hire_leavers + h.experienced_leavers + h.reduction_in_force, false)
                then 'level_total' end
        ]),
        null
    from {{ ref('dim_scenario') }} as s
    left join {{ ref('int_headcount_plan') }} as p
        on p.scenario_id = s.scenario_id and p.replicate_id = s.replicate_id
    left join {{ ref('fct_headcount') }} as h
        on h.scenario_id = s.scenario_id and h.replicate_id = s.replicate_id
        and h.simulation_year = {{ year }}
    left join {{ ref('fct_headcount') }} as b
        on b.scenario_id = s.scenario_id and b.replicate_id = s.replicate_id
        and b.simulation_year = {{ year - 1 }}
    left join (
        select scenario_id, replicate_id, count(*) as people
        from {{ ref('base_workforce') }}
        group by all
    ) as c
        on c.scenario_id = s.scenario_id and c.replicate_id = s.replicate_id
    left join (
        select
            scenario_id, replicate_id,
            sum(opening) as opening, sum(hires) as hires, sum(promotions_in) as promotions_in,
            sum(promotions_out) as promotions_out, sum(terminations) as terminations, sum(closing) as closing
        from levels
        group by scenario_id, replicate_id
    ) as l
        on l.scenario_id = s.scenario_id and l.replicate_id = s.replicate_id
    where s.first_year <= {{ year }}
),

scenarios as (
    select scenario_id, replicate_id
    from {{ ref('dim_scenario') }}
    where first_year <= {{ simulation_year() }}
),

{{ stop_on_violations(checks) }}
