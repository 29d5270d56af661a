{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
-- How average pay moves: all people of 31 December against all of 1 January, those who were there on both days, and
-- this year's hires against last year's. Pay is the annual rate. check_plan compares with the snapshot.
-- depends_on: {{ ref('fct_workforce_snapshot') }}
-- so that in a first year, too, it is settled whether its table is there when it is looked for below
{%- set previous = source('previous_year', 'fct_workforce_snapshot') %}
{%- set has_previous = execute and load_relation(previous) is not none %}
with opened as (
    select
        scenario_id,
        replicate_id,
        count(*) as people,
        sum(annual_pay_rate_cents) as pay_cents
    from {{ ref('int_opening_workforce') }}
    group by all
),

closed as (
    select
        scenario_id,
        replicate_id,
        count(*) as people,
        sum(closing_pay_cents) as pay_cents,
        count(*) filter (where not is_new_hire) as continuing,
        sum(closing_pay_cents) filter (where not is_new_hire) as continuing_pay_cents,
        sum(opening_pay_cents) filter (where not is_new_hire) as continuing_before_cents,
        count(*) filter (where is_new_hire) as new_hires,
        sum(closing_pay_cents) filter (where is_new_hire) as new_hire_pay_cents
    from {{ ref('int_plan_accounts') }}
    where termination_date is null
    group by all
),

hired_before as (
    {%- if has_previous %}
    select
        w.scenario_id,
        w.replicate_id,
        count(*) as people,
        sum(w.annual_pay_rate_cents) as pay_cents
    from {{ previous }} as w
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = w.scenario_id and s.replicate_id = w.replicate_id
    where s.first_year < {{ simulation_year() }}
        and w.simulation_year = {{ simulation_year() - 1 }}
        and w.detailed_status = 'new_hire_active'
    group by all
    {%- else %}
    select scenario_id, replicate_id, cast(0 as bigint) as people, cast(0 as bigint) as pay_cents
    from {{ ref('dim_scenario') }}
    where false
    {%- endif %}
),

compared as (
    select
        p.scenario_id,
        p.replicate_id,
        p.simulation_year,
        cast(coalesce(c.people, 0) as hugeint) as people,
        c.pay_cents,
        cast(coalesce(o.people, 0) as hugeint) as people_before,
        o.pay_cents as pay_before_cents,
        cast(coalesce(c.continuing, 0) as hugeint) as continuing,
        c.continuing_pay_cents,
        c.continuing_before_cents,
        cast(coalesce(c.new_hires, 0) as hugeint) as new_hires,
        c.new_hire_pay_cents,
        cast(coalesce(b.people, 0) as hugeint) as new_hires_before,
        b.pay_cents as new_hire_before_cents
    from {{ ref('int_headcount_plan') }} as p
    left join opened as o on o.scenario_id = p.scenario_id and o.replicate_id = p.replicate_id
    left join closed as c on c.scenario_id = p.scenario_id and c.replicate_id = p.replicate_id
    left join hired_before as b on b.scenario_id = p.scenario_id and b.replicate_id = p.replicate_id
)

select
    scenario_id,
    replicate_id,
    simulation_year,
    {{ mean_cents('pay_cents', 'people') }} as average_pay_cents,
    {{ mean_cents('pay_before_cents', 'people_before') }} as previous_average_pay_cents,
    {{ mean_growth('pay_cents', 'people', 'pay_before_cents', 'people_before') }} as growth_all_e5,
    cast(continuing as bigint) as continuing,
    {{ mean_cents('continuing_before_cents', 'continuing') }} as continuing_previous_pay_cents,
    {{ mean_cents('continuing_pay_cents', 'continuing') }} as continuing_pay_cents,
    {{ mean_growth('continuing_pay_cents', 'continuing', 'continuing_before_cents', 'continuing') }}
        as growth_continuing_e5,
    cast(new_hires as bigint) as new_hires,
    {{ mean_cents('new_hire_pay_cents', 'new_hires') }} as new_hire_average_pay_cents,
    {{ mean_cents('new_hire_before_cents', 'new_hires_before') }} as previous_new_hire_average_pay_cents,
    {{ mean_growth('new_hire_pay_cents', 'new_hires', 'new_hire_before_cents', 'new_hires_before') }}
        as growth_new_hires_e5
from compared
