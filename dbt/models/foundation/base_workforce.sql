-- The census as each scenario sees it: unchanged, with the job level settled. A level that the census
-- does not give is the lowest whose pay band holds the pay, else that of the nearest band edge, ties to
-- the lower level.
-- Who defers in the census is enrolled: since the given date, else since the age of entry, moved to the time from hire
-- to census date if it lies outside; and is in the plan from then at the latest, whatever its rule for others.
with census as (
    select
        s.scenario_id,
        s.replicate_id,
        c.employee_id,
        c.birth_date,
        c.hire_date,
        c.job_level,
        c.annual_compensation_cents as annual_pay_rate_cents,
        {{ draw('raise_month', 'c.employee_id', 0) }} as raise_month_draw,
        c.deferral_rate_e5,
        c.enrollment_date,
        c.roth_rate_e5,
        coalesce(c.auto_escalation_opt_out, false) as auto_escalation_opt_out,
        cast(coalesce(c.scheduled_hours_per_week, 40) as decimal(5, 2)) as scheduled_hours_per_week,
        c.department,
        c.job_title,
        c.gender,
        coalesce(c.deferral_rate_e5 > 0, false) as is_enrolled,
        {{ plan_entry_date('c.hire_date', 'c.birth_date') }} as rule_entry_date,
        cast(c.birth_date + to_years(s.eligibility_min_age) as date) as min_age_date,
        s.census_date,
        make_date(s.first_year - 1, 1, 1) as prior_year_start,
        make_date(s.first_year, 1, 1) as first_day
    from {{ source('inputs', 'census') }} as c
    cross join {{ ref('dim_scenario') }} as s
),

enrolled as (
    select
        * exclude (enrollment_date),
        case
            when is_enrolled
                then least(greatest(coalesce(enrollment_date, min_age_date), hire_date), census_date)
        end as enrollment_date
    from census
),

assumed_level as (
    select
        c.scenario_id,
        c.replicate_id,
        c.employee_id,
        arg_min(l.level, row(
            case
                when c.annual_pay_rate_cents >= l.min_pay_cents and c.annual_pay_rate_cents < l.max_pay_cents
                    then -1
                else least(
                    abs(c.annual_pay_rate_cents - l.min_pay_cents),
                    abs(c.annual_pay_rate_cents - l.max_pay_cents)
                )
            end,
            l.level
        )) as level
    from census as c
    inner join {{ ref('dim_job_level') }} as l
        on l.scenario_id = c.scenario_id and l.replicate_id = c.replicate_id
    where c.job_level is null
    group by all
)

select
    c.scenario_id,
    c.replicate_id,
    c.employee_id,
    c.birth_date,
    c.hire_date,
    cast(coalesce(c.job_level, a.level) as integer) as job_level,
    case when c.job_level is null then 'assumed' else 'census' end as level_source,
    c.annual_pay_rate_cents,
    m.month as raise_month,
    -- least() passes over the null of those who are not enrolled
    least(c.rule_entry_date, c.enrollment_date) as plan_entry_date,
    c.deferral_rate_e5,
    c.enrollment_date,
    case when c.is_enrolled then 'census' end as enrollment_source,
    coalesce(c.deferral_rate_e5 = 0, false) as has_declined,
    {{ div_round(
        'c.annual_pay_rate_cents * (c.first_day - greatest(c.hire_date, c.prior_year_start))',
        'c.first_day - c.prior_year_start'
    ) }} as prior_prorated_pay_cents,
    c.roth_rate_e5,
    c.auto_escalation_opt_out,
    c.scheduled_hours_per_week,
    c.department,
    c.job_title,
    c.gender
from enrolled as c
left join assumed_level as a
    on a.scenario_id = c.scenario_id and a.replicate_id = c.replicate_id and a.employee_id = c.employee_id
inner join {{ ref('dim_raise_month') }} as m
    on m.scenario_id = c.scenario_id and m.replicate_id = c.replicate_id
    and {{ uniform_e6('c.raise_month_draw') }} >= m.from_e6
    and {{ uniform_e6('c.raise_month_draw') }} < m.to_e6
