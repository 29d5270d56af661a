-- Everybody employed on 1 January: the census in a scenario's first year, later the people who were active
-- at the end of the year before. With each, what decides the order of leaving: multipliers at the age and
-- tenure of 1 January.
{#- Both sources are named at all times, so that dbt knows of them, and read only where they exist. #}
{%- set previous_snapshot = source('previous_year', 'fct_workforce_snapshot') %}
{%- set previous_headcount = source('previous_year', 'fct_headcount') %}
{%- set has_previous = execute
    and load_relation(previous_snapshot) is not none
    and load_relation(previous_headcount) is not none %}
{%- set carried = [
    'scenario_id', 'replicate_id', 'employee_id', 'birth_date', 'hire_date', 'job_level', 'level_source',
    'annual_pay_rate_cents', 'raise_month', 'deferral_rate_e5', 'enrollment_date', 'roth_rate_e5',
    'auto_escalation_opt_out', 'scheduled_hours_per_week', 'department', 'job_title', 'gender',
    'plan_entry_date', 'enrollment_source', 'has_declined',
] %}

with people as (
    select
        {%- for column in carried %}
        w.{{ column }},
        {%- endfor %}
        false as has_opted_out,
        cast(null as date) as opt_out_date,
        w.prior_prorated_pay_cents,
        cast(0 as bigint) as match_credited_cents,
        cast(0 as bigint) as core_credited_cents,
        w.hire_date > cast(s.census_date - interval 1 year as date) as hired_last_year
    from {{ ref('base_workforce') }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year = {{ simulation_year() }}
    {%- if has_previous %}

    union all

    select
        {%- for column in carried %}
        w.{{ column }},
        {%- endfor %}
        w.has_opted_out,
        w.opt_out_date,
        w.prorated_pay_cents,
        w.match_credited_cents,
        w.core_credited_cents,
        w.hire_date >= {{ year_start(-1) }} as hired_last_year
    from {{ previous_snapshot }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year < {{ simulation_year() }}
        and w.simulation_year = {{ simulation_year() - 1 }}
        and w.employment_status = 'active'
    {%- endif %}

    union all by name

    -- No rows, ever: a later year without the year before it is an error, not an empty workforce.
    select
        error(
            'scenario ' || s.scenario_id || ', replicate ' || s.replicate_id
            || ': year {{ simulation_year() }} needs year {{ simulation_year() - 1 }}, which this database does not hold:'
            || ' run the years in order from ' || s.first_year
        ) as scenario_id
    from {{ ref('dim_scenario') }} as s
    where s.first_year < {{ simulation_year() }}
    {%- if has_previous %}
        and not exists (
            select 1
            from {{ previous_headcount }} as h
            where h.scenario_id = s.scenario_id and h.replicate_id = s.replicate_id
                and h.simulation_year = {{ simulation_year() - 1 }}
        )
    {%- endif %}
),

-- Every case of a scenario, age band, tenure band and level: far fewer than people, for what takes 128 bits.
hazards as (
    select
        s.scenario_id,
        s.replicate_id,
        a.min_age,
        a.max_age,
        t.min_years,
        t.max_years,
        l.level,
        -- Units of 1e-15; the base chance is the same for all of a scenario, so it does not change the order.
        cast(a.termination_mult_e5 as hugeint) * t.termination_mult_e5 * l.termination_factor_e5
            as termination_weight,
        {{ chance_e15('s.termination_base_rate_e5', 'a.termination_mult_e5', 't.termination_mult_e5',
                      'l.termination_factor_e5', '100000') }} as expected_termination_e15
    from {{ ref('dim_scenario') }} as s
    inner join {{ ref('dim_age_band') }} as a
        on a.scenario_id = s.scenario_id and a.replicate_id = s.replicate_id
    inner join {{ ref('dim_tenure_band') }} as t
        on t.scenario_id = s.scenario_id and t.replicate_id = s.replicate_id
    inner join {{ ref('int_pay_band') }} as l
        on l.scenario_id = s.scenario_id and l.replicate_id = s.replicate_id
),

aged as (
    select
        *,
        {{ completed_years('birth_date', year_start()) }} as age,
        {{ completed_years('hire_date', year_start()) }} as tenure
    from people
)

select
    p.scenario_id,
    p.replicate_id,
    {{ simulation_year() }} as simulation_year,
    p.* exclude (scenario_id, replicate_id, age, tenure),
    h.termination_weight,
    h.expected_termination_e15
from aged as p
inner join hazards as h
    on h.scenario_id = p.scenario_id and h.replicate_id = p.replicate_id and h.level = p.job_level
    and p.age >= h.min_age and p.age < h.max_age and p.tenure >= h.min_years and p.tenure < h.max_years
