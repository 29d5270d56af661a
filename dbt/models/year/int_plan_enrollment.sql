-- Who is eligible, enrols, opts out or is escalated in the year, and the one deferral rate and span of days of each
-- person's year: escalation comes on 1 January, a person enrols once, and after an opt-out there is nothing more.
-- Nothing happens on a termination date or after it.
with people as (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id,
        w.birth_date,
        w.hire_date,
        w.start_date,
        coalesce(w.termination_date, {{ year_start(1) }}) as gone_date,
        coalesce(w.termination_date, {{ year_end() }}) + 1 as day_after,
        w.plan_entry_date,
        -- where the chances to enrol count from
        greatest(w.plan_entry_date, make_date(s.first_year, 1, 1)) as base_date,
        w.enrollment_date,
        w.enrollment_source,
        w.deferral_rate_e5,
        w.has_declined,
        w.has_opted_out,
        w.opt_out_date,
        w.enrollment_date is not null and not w.has_opted_out as is_enrolled,
        coalesce(
            not w.auto_escalation_opt_out
            and w.enrollment_date <= {{ year_start(-1) }}
            and not w.has_opted_out
            and w.start_date = {{ year_start() }}
            and w.termination_date is distinct from {{ year_start() }}
            and s.escalation_rate_e5 > 0
            and w.deferral_rate_e5 > 0 and w.deferral_rate_e5 < s.escalation_cap_e5,
            false
        ) as escalates,
        s.auto_enrollment_scope = 'all_eligible'
            or (s.auto_enrollment_scope = 'new_hires_only' and w.hire_date >= make_date(s.first_year, 1, 1))
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
    from {{ ref('int_workforce_year') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
),

-- One draw, on the base date, for who is not enrolled by then
volunteers as (
    select
        p.scenario_id,
        p.replicate_id,
        p.employee_id,
        least(greatest(d.deferral_rate_e5, p.voluntary_deferral_min_e5), p.voluntary_deferral_max_e5) as rate_e5
    from people as p
    inner join {{ ref('int_pay_changes') }} as c
        on c.scenario_id = p.scenario_id and c.replicate_id = p.replicate_id and c.employee_id = p.employee_id
    inner join {{ ref('dim_enrollment_age_band') }} as a
        on a.scenario_id = p.scenario_id and a.replicate_id = p.replicate_id
        and {{ completed_years('p.birth_date', 'p.base_date') }} >= a.min_age
        and {{ completed_years('p.birth_date', 'p.base_date') }} < a.max_age
    inner join {{ ref('dim_enrollment_pay_band') }} as b
        on b.scenario_id = p.scenario_id and b.replicate_id = p.replicate_id
        and {{ pay_on('p.base_date', 'c') }} >= b.min_pay_cents
        and {{ pay_on('p.base_date', 'c') }} < b.max_pay_cents
    inner join {{ ref('dim_enrollment_deferral') }} as d
        on d.scenario_id = p.scenario_id and d.replicate_id = p.replicate_id
        and d.min_age = a.min_age and d.min_pay_cents = b.min_pay_cents
    where p.enrollment_date is null
        and p.base_date >= {{ year_start() }}
        and p.base_date < p.gone_date
        and {{ happens(
            draw('voluntary', 'p.employee_id', simulation_year(), 'p'),
            chance_e15('a.voluntary_chance_e5', 'b.voluntary_mult_e5', '100000', '100000', '100000')
        ) }}
),

enrolled as (
    select
        p.*,
        v.rate_e5 as voluntary_rate_e5,
        v.rate_e5 is not null as is_voluntary,
        v.rate_e5 is null
            and p.enrollment_date is null
            and p.is_in_scope
            and not p.has_declined
            and p.base_date + p.auto_enrollment_days >= {{ year_start() }}
            and p.base_date + p.auto_enrollment_days < p.gone_date as is_automatic,
        p.base_date + p.auto_enrollment_days as automatic_date
    from people as p
    left join volunteers as v
        on v.scenario_id = p.scenario_id and v.replicate_id = p.replicate_id and v.employee_id = p.employee_id
),

-- The day of a possible opt-out is drawn with the automatic enrolment; it may fall in the next year.
dated as (
    select
        * exclude (opt_out_date),
        case
            when is_automatic then automatic_date + 1
                + cast({{ uniform_below(draw('opt_out_day', 'employee_id', simulation_year(), 'enrolled'), 'opt_out_window_days') }} as integer)
            else opt_out_date
        end as opt_out_date
    from enrolled
),

-- The chance is that of the age and pay of the day itself.
leaving_the_plan as (
    select p.scenario_id, p.replicate_id, p.employee_id
    from dated as p
    inner join {{ ref('int_pay_changes') }} as c
        on c.scenario_id = p.scenario_id and c.replicate_id = p.replicate_id and c.employee_id = p.employee_id
    inner join {{ ref('dim_enrollment_age_band') }} as a
        on a.scenario_id = p.scenario_id and a.replicate_id = p.replicate_id
        and {{ completed_years('p.birth_date', 'p.opt_out_date') }} >= a.min_age
        and {{ completed_years('p.birth_date', 'p.opt_out_date') }} < a.max_age
    inner join {{ ref('dim_enrollment_pay_band') }} as b
        on b.scenario_id = p.scenario_id and b.replicate_id = p.replicate_id
        and {{ pay_on('p.opt_out_date', 'c') }} >= b.min_pay_cents
        and {{ pay_on('p.opt_out_date', 'c') }} < b.max_pay_cents
    where not p.has_opted_out
        and p.opt_out_date < p.gone_date
        and {{ happens(
            draw('opt_out', 'p.employee_id', simulation_year(), 'p'),
            chance_e15('a.opt_out_chance_e5', 'b.opt_out_mult_e5', '100000', '100000', '100000')
        ) }}
),

decided as (
    select
        p.*,
        o.employee_id is not null as opts_out,
        case
            when p.is_voluntary then p.voluntary_rate_e5
            when p.is_automatic then p.auto_enrollment_rate_e5
            when p.escalates then least(p.deferral_rate_e5 + p.escalation_rate_e5, p.escalation_cap_e5)
            when p.is_enrolled then p.deferral_rate_e5
        end as rate_of_year_e5,
        case
            when p.is_voluntary then p.base_date
            when p.is_automatic then p.automatic_date
            when p.is_enrolled then p.start_date
        end as deferring_from
    from dated as p
    left join leaving_the_plan as o
        on o.scenario_id = p.scenario_id and o.replicate_id = p.replicate_id and o.employee_id = p.employee_id
)

select
    scenario_id,
    replicate_id,
    {{ simulation_year() }} as simulation_year,
    employee_id,
    plan_entry_date,
    plan_entry_date < gone_date as is_eligible,
    plan_entry_date >= {{ year_start() }} and plan_entry_date < gone_date as becomes_eligible,
    escalates,
    is_voluntary,
    is_automatic,
    opts_out,
    cast(deferral_rate_e5 as integer) as opening_rate_e5,
    -- of the days below; nobody has two rates in one year
    cast(rate_of_year_e5 as integer) as rate_of_year_e5,
    deferring_from,
    case when opts_out then opt_out_date else day_after end as deferring_until,
    cast(case when opts_out then 0 else coalesce(rate_of_year_e5, deferral_rate_e5) end as integer)
        as closing_rate_e5,
    case when is_voluntary or is_automatic then deferring_from else enrollment_date end as enrollment_date,
    case when is_voluntary then 'voluntary' when is_automatic then 'automatic' else enrollment_source end
        as enrollment_source,
    has_declined,
    has_opted_out or opts_out as has_opted_out,
    -- A day that came and changed nothing is forgotten; one of the next year is state.
    case when has_opted_out or opts_out or opt_out_date > {{ year_end() }} then opt_out_date end as opt_out_date
from decided
