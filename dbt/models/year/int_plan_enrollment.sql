{{ config(materialized='ephemeral') }}
-- Who is eligible, enrols, opts out or is escalated in the year, and the one deferral rate and span of days of each
-- person's year: escalation comes on 1 January, a person enrols once, and after an opt-out there is nothing more.
-- Nothing happens on a termination date or after it.
with people as (
    select
        c.* exclude (
            enrollment_date, enrollment_source, has_opted_out, opt_out_date, deferral_rate_e5, promotion_chance_e15
        ),
        c.enrollment_date as opening_enrollment_date,
        c.enrollment_source as opening_enrollment_source,
        c.has_opted_out as had_opted_out,
        c.opt_out_date as opening_opt_out_date,
        c.deferral_rate_e5 as opening_rate_e5,
        coalesce(c.termination_date, {{ year_start(1) }}) as gone_date,
        -- where the chances to enrol count from
        greatest(c.plan_entry_date, make_date(s.first_year, 1, 1)) as base_date,
        -- the day of the one voluntary draw, of who is not enrolled by then, with the age and pay of the day
        case when c.enrollment_date is null and base_date >= {{ year_start() }} and base_date < gone_date
            then base_date end as voluntary_date,
        c.enrollment_date is not null and not c.has_opted_out as is_enrolled,
        coalesce(
            not c.auto_escalation_opt_out
            and c.enrollment_date <= {{ year_start(-1) }}
            and not c.has_opted_out
            and c.start_date = {{ year_start() }}
            and c.termination_date is distinct from {{ year_start() }}
            and s.escalation_rate_e5 > 0
            and c.deferral_rate_e5 > 0 and c.deferral_rate_e5 < s.escalation_cap_e5,
            false
        ) as escalates,
        s.auto_enrollment_scope = 'all_eligible'
            or (s.auto_enrollment_scope = 'new_hires_only' and c.hire_date >= make_date(s.first_year, 1, 1))
            as is_in_scope,
        s.seed,
        s.draws,
        s.auto_enrollment_days,
        s.auto_enrollment_rate_e5,
        s.opt_out_window_days,
        s.escalation_rate_e5,
        s.escalation_cap_e5,
        s.voluntary_deferral_min_e5,
        s.voluntary_deferral_max_e5
    from {{ ref('int_pay_changes') }} as c
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = c.scenario_id and s.replicate_id = c.replicate_id
),

-- For each band of age and of pay what its draws are compared with, and the deferral that people choose. Only who has
-- a draw is joined to it: the others have no scenario to be joined by, so that no band is looked at for them.
chances as (
    select
        a.scenario_id,
        a.replicate_id,
        a.min_age,
        a.max_age,
        b.min_pay_cents,
        b.max_pay_cents,
        {{ chance_e15('a.voluntary_chance_e5', 'b.voluntary_mult_e5', '100000', '100000', '100000') }}
            as voluntary_chance_e15,
        {{ chance_e15('a.opt_out_chance_e5', 'b.opt_out_mult_e5', '100000', '100000', '100000') }}
            as opt_out_chance_e15,
        d.deferral_rate_e5
    from {{ ref('dim_enrollment_age_band') }} as a
    inner join {{ ref('dim_enrollment_pay_band') }} as b
        on b.scenario_id = a.scenario_id and b.replicate_id = a.replicate_id
    left join {{ ref('dim_enrollment_deferral') }} as d
        on d.scenario_id = a.scenario_id and d.replicate_id = a.replicate_id
        and d.min_age = a.min_age and d.min_pay_cents = b.min_pay_cents
),

enrolled as (
    select
        p.*,
        case
            when d.deferral_rate_e5 is not null
                and {{ happens(draw('voluntary', 'p.employee_id', simulation_year(), 'p'), 'd.voluntary_chance_e15') }}
                then least(greatest(d.deferral_rate_e5, p.voluntary_deferral_min_e5), p.voluntary_deferral_max_e5)
        end as voluntary_rate_e5,
        p.base_date + p.auto_enrollment_days as automatic_date
    from people as p
    left join chances as d
        on d.scenario_id = case when p.voluntary_date is not null then p.scenario_id end
        and d.replicate_id = p.replicate_id
        and {{ completed_years('p.birth_date', 'p.voluntary_date') }} >= d.min_age
        and {{ completed_years('p.birth_date', 'p.voluntary_date') }} < d.max_age
        and {{ pay_on('p.voluntary_date', 'p') }} >= d.min_pay_cents
        and {{ pay_on('p.voluntary_date', 'p') }} < d.max_pay_cents
),

-- The day of a possible opt-out is drawn with the automatic enrolment; it may fall in the next year.
dated as (
    select
        *,
        voluntary_rate_e5 is not null as is_voluntary,
        voluntary_rate_e5 is null
            and opening_enrollment_date is null
            and is_in_scope
            and not has_declined
            and automatic_date >= {{ year_start() }}
            and automatic_date < gone_date as is_automatic,
        case
            when is_automatic then automatic_date + 1
                + cast({{ uniform_below(draw('opt_out_day', 'employee_id', simulation_year(), 'enrolled'), 'opt_out_window_days') }} as integer)
            else opening_opt_out_date
        end as opt_out_day
    from enrolled
),

-- The chance is that of the age and pay of the day itself.
leaving_the_plan as (
    select
        *,
        case when not had_opted_out and opt_out_day < gone_date then opt_out_day end as deciding_day,
        case when deciding_day is not null then scenario_id end as deciding_scenario_id,
        {{ completed_years('birth_date', 'deciding_day') }} as deciding_age,
        {{ pay_on('deciding_day', 'dated') }} as deciding_pay_cents
    from dated
),

decided as (
    select
        p.*,
        case
            when d.opt_out_chance_e15 is not null
                then {{ happens(draw('opt_out', 'p.employee_id', simulation_year(), 'p'), 'd.opt_out_chance_e15') }}
            else false
        end as opts_out,
        case
            when p.is_voluntary then p.voluntary_rate_e5
            when p.is_automatic then p.auto_enrollment_rate_e5
            when p.escalates then least(p.opening_rate_e5 + p.escalation_rate_e5, p.escalation_cap_e5)
            when p.is_enrolled then p.opening_rate_e5
        end as year_rate_e5,
        case
            when p.is_voluntary then p.base_date
            when p.is_automatic then p.automatic_date
            when p.is_enrolled then p.start_date
        end as deferring_from
    from leaving_the_plan as p
    left join chances as d
        on d.scenario_id = p.deciding_scenario_id and d.replicate_id = p.replicate_id
        and p.deciding_age >= d.min_age and p.deciding_age < d.max_age
        and p.deciding_pay_cents >= d.min_pay_cents and p.deciding_pay_cents < d.max_pay_cents
)

select
    * exclude (
        opening_enrollment_date, opening_enrollment_source, had_opted_out, opening_opt_out_date, gone_date, base_date,
        is_enrolled, is_in_scope, seed, draws, auto_enrollment_days, auto_enrollment_rate_e5, opt_out_window_days,
        escalation_rate_e5, escalation_cap_e5, voluntary_deferral_min_e5, voluntary_deferral_max_e5, voluntary_date,
        voluntary_rate_e5, automatic_date, opt_out_day, deciding_day, deciding_scenario_id, deciding_age,
        deciding_pay_cents, year_rate_e5
    ),
    plan_entry_date < gone_date as is_eligible,
    plan_entry_date >= {{ year_start() }} and plan_entry_date < gone_date as becomes_eligible,
    -- of the days below; nobody has two rates in one year
    cast(year_rate_e5 as integer) as rate_of_year_e5,
    case when opts_out then opt_out_day else day_after end as deferring_until,
    cast(case when opts_out then 0 else coalesce(year_rate_e5, opening_rate_e5) end as integer) as closing_rate_e5,
    case when is_voluntary or is_automatic then deferring_from else opening_enrollment_date end as enrollment_date,
    case when is_voluntary then 'voluntary' when is_automatic then 'automatic' else opening_enrollment_source end
        as enrollment_source,
    had_opted_out or opts_out as has_opted_out,
    -- A day that came and changed nothing is forgotten; one of the next year is state.
    case when had_opted_out or opts_out or opt_out_day > {{ year_end() }} then opt_out_day end as opt_out_date
from decided
