-- Proves the money of the plan, or stops the year: nobody gets more than limits and pay allow, vesting and forfeitures
-- follow from each other, the pool of forfeitures loses nothing, and the cost is the sum of the ledger. The people are
-- those of the snapshot, which check_year proves to be those of the ledger.
{%- set year = simulation_year() %}
{%- set sources = ['match', 'core'] %}
{#- least() passes over a null, a sum does not: money_below_zero has both. #}
{%- set money = [
    'w.contribution_cents', 'w.catch_up_cents', 'w.match_cents', 'w.core_cents', 'w.reallocated_cents',
    'w.match_forfeited_cents', 'w.core_forfeited_cents',
] %}
{#- w: the person with the limits of the year, k: the cuts of the ledger. #}
{%- set rules = {
    'contribution_above_limit': 'w.contribution_cents > w.elective_cents + w.catch_up_limit_cents'
        ~ ' or w.catch_up_cents > w.catch_up_limit_cents',
    'contribution_above_pay': 'w.contribution_cents > w.prorated_pay_cents',
    'catch_up': 'w.catch_up_cents is distinct from'
        ~ ' greatest(w.contribution_cents + coalesce(k.employee_cut_cents, 0) - w.elective_cents, 0)',
    'annual_additions': 'w.contribution_cents - w.catch_up_cents + w.match_cents + w.core_cents + w.reallocated_cents'
        ~ ' > least(w.annual_additions_cents, w.prorated_pay_cents)',
    'money_below_zero': 'not coalesce(' ~ money | join(' + ') ~ ' >= 0, false)'
        ~ ' or least(' ~ money | join(', ') ~ ') < 0',
    'money_of_ineligible': 'not w.is_eligible'
        ~ ' and w.contribution_cents + w.match_cents + w.core_cents + w.reallocated_cents > 0',
    'match_without_contribution': 'w.match_cents > 0 and w.contribution_cents = 0',
    'compensation_cut': 'k.compensation_cents is distinct from'
        ~ ' case when w.is_eligible and w.prorated_pay_cents > w.compensation_cents then w.compensation_cents end',
    'vested_share': 'not coalesce(w.match_vested_e5 between 0 and 100000, false)'
        ~ ' or not coalesce(w.core_vested_e5 between 0 and 100000, false)',
    'vesting_service': 'not coalesce(w.vesting_service_years between 0'
        ~ ' and ' ~ (year + 1) ~ ' - year(w.hire_date), false)',
    'credited': 'w.match_credited_cents < w.match_cents or w.core_credited_cents < w.core_cents',
    'forfeiture_without_leaving': 'w.termination_date is null'
        ~ ' and w.match_forfeited_cents + w.core_forfeited_cents > 0',
    'forfeiture_amount': 'w.termination_date is not null and ('
        ~ 'w.match_forfeited_cents is distinct from w.match_unvested_cents'
        ~ ' or w.core_forfeited_cents is distinct from w.core_unvested_cents)',
} %}
{#- c: the cost, b: that of the year before, e: the sums of the ledger, p: the people, h: the headcount,
    g: the growth of pay, s: the scenario. #}
{%- set totals = {
    'cost_of_scenario': 'c.scenario_id is null',
    'cost_money': '(c.employee_contributions_cents, c.match_cents, c.core_cents, c.reallocated_cents,'
        ~ ' c.forfeited_cents) is distinct from (coalesce(e.contribution_cents, 0), coalesce(e.match_cents, 0),'
        ~ ' coalesce(e.core_cents, 0), coalesce(e.reallocation_cents, 0), coalesce(e.forfeiture_cents, 0))',
    'cost_people': '(c.headcount, c.eligible, c.participants, c.hce_count) is distinct from'
        ~ ' (h.closing, coalesce(p.eligible, 0), coalesce(p.participants, 0), coalesce(p.hce_count, 0))',
    'cost_catch_up': 'c.catch_up_cents is distinct from coalesce(p.catch_up_cents, 0)',
    'cost_payroll': 'c.payroll_cents is distinct from h.payroll_cents',
    'cost_net': 'c.employer_gross_cents is distinct from c.match_cents + c.core_cents'
        ~ ' or c.net_employer_cost_cents is distinct from'
        ~ " c.employer_gross_cents - case when s.forfeiture_policy = 'reduce' then c.forfeitures_used_cents else 0 end"
        ~ ' or c.net_employer_cost_cents < 0',
    'pool_opening': 'c.forfeitures_available_cents is distinct from'
        ~ ' case when s.first_year = ' ~ year ~ ' then 0 else b.forfeitures_carried_cents + b.forfeited_cents end',
    'pool_closing': 'c.forfeitures_available_cents is distinct from'
        ~ ' c.forfeitures_used_cents + c.forfeitures_carried_cents'
        ~ ' or c.forfeitures_used_cents < 0 or c.forfeitures_carried_cents < 0',
    'pool_use': 'c.forfeitures_used_cents is distinct from case s.forfeiture_policy'
        ~ " when 'reduce' then least(c.forfeitures_available_cents, c.employer_gross_cents)"
        ~ " when 'expenses' then c.forfeitures_available_cents else c.reallocated_cents end"
        ~ " or (s.forfeiture_policy <> 'reallocate' and c.reallocated_cents <> 0)",
    'growth_people': 'g.continuing + g.new_hires is distinct from h.closing',
    'growth_pay': 'g.average_pay_cents is distinct from ' ~ mean_cents('p.pay_cents', 'p.headcount'),
} %}
{%- set checks = rules.keys() | list + totals.keys() | list %}

{#- Read more than once, each time for few columns, rather than held in memory #}
with snapshot as not materialized (
    select *
    from {{ ref('fct_workforce_snapshot') }}
    where simulation_year = {{ year }}
),

ledger as not materialized (
    select *
    from {{ ref('fct_yearly_events') }}
    where simulation_year = {{ year }}
        and event_type in ('contribution', 'match', 'core', 'reallocation', 'limit_cut', 'forfeiture')
),

cuts as (
    select
        scenario_id,
        replicate_id,
        employee_id,
        sum(amount_before_cents - amount_after_cents) filter (where reason = 'annual_additions_employee')
            as employee_cut_cents,
        sum(amount_after_cents) filter (where reason = 'compensation') as compensation_cents
    from ledger
    where event_type = 'limit_cut'
    group by all
),

people as (
    select
        w.*,
        l.elective_cents,
        l.compensation_cents,
        l.annual_additions_cents,
        -- the age of 31 December, of a leaver too
        {{ completed_years('w.birth_date', year_end()) }} as closing_age,
        l.catch_up_60_63_cents,
        l.catch_up_50_cents
        {%- for source in sources %},
        case when w.termination_date is not null then {{ div_round(
            'cast(w.' ~ source ~ '_credited_cents as hugeint) * (100000 - w.' ~ source ~ '_vested_e5)', '100000'
        ) }} end as {{ source }}_unvested_cents
        {%- endfor %}
    from snapshot as w
    inner join {{ ref('dim_irs_limit') }} as l
        on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id and l.limit_year = {{ year }}
),

limited as (
    select
        *,
        case
            when closing_age between 60 and 63 then catch_up_60_63_cents
            when closing_age >= 50 then catch_up_50_cents
            else 0
        end as catch_up_limit_cents
    from people
),

-- held, so that each condition is worked out once, and not again for the names of those who fail one
judged as materialized (
    select
        w.scenario_id,
        w.replicate_id,
        w.employee_id
        {%- for check, condition in rules.items() %},
        {{ condition }} as {{ check }}
        {%- endfor %}
    from limited as w
    left join cuts as k
        on k.scenario_id = w.scenario_id and k.replicate_id = w.replicate_id and k.employee_id = w.employee_id
),

booked as (
    select
        scenario_id,
        replicate_id,
        {%- for event_type in ['contribution', 'match', 'core', 'reallocation', 'forfeiture'] %}
        sum(amount_after_cents) filter (where event_type = '{{ event_type }}') as {{ event_type }}_cents
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from ledger
    group by all
),

counted_people as (
    select
        scenario_id,
        replicate_id,
        count(*) filter (where employment_status = 'active') as headcount,
        sum(annual_pay_rate_cents) filter (where employment_status = 'active') as pay_cents,
        count(*) filter (where employment_status = 'active' and is_eligible) as eligible,
        count(*) filter (where employment_status = 'active' and is_eligible and deferral_rate_e5 > 0) as participants,
        count(*) filter (where employment_status = 'active' and is_hce) as hce_count,
        sum(catch_up_cents) as catch_up_cents
    from snapshot
    group by all
),

violations as (
    {{ failed_checks(rules) }}

    union all

    select
        s.scenario_id,
        s.replicate_id,
        unnest([
            {%- for check, condition in totals.items() %}
            case when {{ condition }} then '{{ check }}' end
            {%- if not loop.last %},{% endif %}
            {%- endfor %}
        ]),
        null
    from {{ ref('dim_scenario') }} as s
    -- Written out: a loop over these and their years would make planwise parse anew for each year.
    left join {{ ref('fct_plan_cost') }} as c
        on c.scenario_id = s.scenario_id and c.replicate_id = s.replicate_id
        and c.simulation_year = {{ year }}
    left join {{ ref('fct_plan_cost') }} as b
        on b.scenario_id = s.scenario_id and b.replicate_id = s.replicate_id
        and b.simulation_year = {{ year - 1 }}
    left join {{ ref('fct_headcount') }} as h
        on h.scenario_id = s.scenario_id and h.replicate_id = s.replicate_id
        and h.simulation_year = {{ year }}
    left join {{ ref('fct_compensation_growth') }} as g
        on g.scenario_id = s.scenario_id and g.replicate_id = s.replicate_id
        and g.simulation_year = {{ year }}
    left join booked as e on e.scenario_id = s.scenario_id and e.replicate_id = s.replicate_id
    left join counted_people as p on p.scenario_id = s.scenario_id and p.replicate_id = s.replicate_id
    where s.first_year <= {{ year }}
),

scenarios as (
    select scenario_id, replicate_id
    from {{ ref('dim_scenario') }}
    where first_year <= {{ simulation_year() }}
),

{{ stop_on_violations(checks) }}
