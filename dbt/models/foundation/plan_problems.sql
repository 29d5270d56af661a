-- What is wrong with the tables of the plan: one row a problem, none when all is well. check_foundation reports it.
-- Tables have the names that a scenario gives them by; values read as they are written there.
{%- set e5 = 100000 %}
{%- set match_bands = '(select distinct scenario_id, replicate_id, band_min, band_max from ' ~ ref('dim_match_tier') ~ ')' %}
{#- Rows that follow each other from 0 on: lower and upper bound, how a bound is written, where the last one ends. #}
{%- set chains = [
    {'table': 'enrollment_age_bands', 'rows': ref('dim_enrollment_age_band'), 'within': [],
     'low': 'min_age', 'high': 'max_age', 'unit': '1', 'last': 'high >= 120', 'end': '120 or later'},
    {'table': 'enrollment_pay_bands', 'rows': ref('dim_enrollment_pay_band'), 'within': [],
     'low': 'min_pay_cents', 'high': 'max_pay_cents', 'unit': '0.01', 'last': 'high = 100000000000000',
     'end': '1000000000000.00, which is no end'},
    {'table': 'match_tiers', 'rows': match_bands, 'within': [],
     'low': 'band_min', 'high': 'band_max', 'unit': '1', 'last': 'high = 999', 'end': '999'},
    {'table': 'core_tiers', 'rows': ref('dim_core_tier'), 'within': [],
     'low': 'band_min', 'high': 'band_max', 'unit': '1', 'last': 'high = 999', 'end': '999'},
    {'table': 'match_tiers', 'rows': ref('dim_match_tier'), 'within': ['band_min', 'band_max'],
     'low': 'tier_from_e5', 'high': 'tier_to_e5', 'unit': '0.00001', 'last': 'high <= ' ~ e5, 'end': '1 at most'},
] %}
{#- Values that are there and in bounds: the row's name is an expression. #}
{%- set values = [
    ('enrollment_age_bands', 'dim_enrollment_age_band', "'band ' || min_age || ' to ' || max_age",
     ['voluntary_chance_e5', 'opt_out_chance_e5'], 0, e5, '0 to 1'),
    ('enrollment_pay_bands', 'dim_enrollment_pay_band', "'band ' || min_pay_cents * 0.01 || ' to ' || max_pay_cents * 0.01",
     ['voluntary_mult_e5', 'opt_out_mult_e5'], 0, 9999 * e5, '0 to 9999'),
    ('enrollment_deferrals', 'dim_enrollment_deferral', "'min_age ' || min_age || ', min_pay ' || min_pay_cents * 0.01",
     ['deferral_rate_e5'], 0, e5, '0 to 1'),
    ('match_tiers', 'dim_match_tier', "'band ' || band_min || ' to ' || band_max || ', tier from ' || tier_from_e5 * 0.00001",
     ['match_rate_e5'], 0, 10 * e5, '0 to 10'),
    ('core_tiers', 'dim_core_tier', "'band ' || band_min || ' to ' || band_max", ['core_rate_e5'], 0, e5, '0 to 1'),
    ('vesting_steps', 'dim_vesting_step', "money_source || ', step at ' || service_years", ['vested_e5'], 0, e5, '0 to 1'),
    ('vesting_steps', 'dim_vesting_step', "money_source || ', step to ' || vested_e5 * 0.00001",
     ['service_years'], 0, 99, '0 to 99'),
] %}
{%- set limits = [
    'elective', 'catch_up_50', 'catch_up_60_63', 'compensation', 'hce', 'annual_additions', 'ss_wage_base',
] %}

with problems as (
    {%- for chain in chains %}
    select
        scenario_id,
        replicate_id,
        '{{ chain.table }}: '
        {%- for column in chain.within %}
        || '{{ "band " if loop.first else " to " }}' || {{ column }}{% if loop.last %} || ', tier '{% endif %}
        {%- else %}
        || 'band '
        {%- endfor %}
        || coalesce(low * {{ chain.unit }} || '', 'without a beginning') || ' to '
        || coalesce(high * {{ chain.unit }} || '', 'without an end') || ': expected it to '
        || case
            when low is distinct from expected then 'begin at ' || expected * {{ chain.unit }} || ', with no gap or overlap'
            when high is null or low >= high then 'end above its beginning'
            else 'end at {{ chain.end }}, as it is the last'
        end as problem
    from (
        select
            scenario_id,
            replicate_id,
            {%- for column in chain.within %}
            {{ column }},
            {%- endfor %}
            {{ chain.low }} as low,
            {{ chain.high }} as high,
            lag({{ chain.high }}, 1, 0) over in_order as expected,
            lead({{ chain.low }}) over in_order is null as is_last
        from {{ chain.rows }}
        window in_order as (
            partition by scenario_id, replicate_id{% for column in chain.within %}, {{ column }}{% endfor %}
            order by {{ chain.low }}, {{ chain.high }}
        )
    )
    where low is distinct from expected or high is null or low >= high or (is_last and not {{ chain.last }})

    union all
    {%- endfor %}
    {%- for table, relation, row_name, columns, low, high, text in values %}
    {%- for column in columns %}
    select
        scenario_id, replicate_id,
        '{{ table }}: ' || coalesce({{ row_name }}, 'a row that is not complete')
        || ': {{ column | replace("_e5", "") }} must be {{ text }}'
    from {{ ref(relation) }}
    where coalesce({{ column }}, -1) not between {{ low }} and {{ high }}

    union all
    {%- endfor %}
    {%- endfor %}
    -- a deferral for each pair of an age band and a pay band, and no other
    select
        coalesce(g.scenario_id, d.scenario_id), coalesce(g.replicate_id, d.replicate_id),
        'enrollment_deferrals: expected one row for min_age ' || coalesce(g.min_age, d.min_age, -1)
        || ', min_pay ' || coalesce(g.min_pay_cents, d.min_pay_cents, -1) * 0.01
        || case
            when d.rows is null then ', a band of age and one of pay, and there is none'
            when g.min_age is null then ' only if a band of age and one of pay begin there, and they do not'
            else ', got ' || d.rows
        end
    from (
        select a.scenario_id, a.replicate_id, a.min_age, p.min_pay_cents
        from {{ ref('dim_enrollment_age_band') }} as a
        inner join {{ ref('dim_enrollment_pay_band') }} as p
            on p.scenario_id = a.scenario_id and p.replicate_id = a.replicate_id
    ) as g
    full join (
        select scenario_id, replicate_id, min_age, min_pay_cents, count(*) as rows
        from {{ ref('dim_enrollment_deferral') }}
        group by all
    ) as d
        on d.scenario_id = g.scenario_id and d.replicate_id = g.replicate_id
        and d.min_age = g.min_age and d.min_pay_cents = g.min_pay_cents
    where d.rows is distinct from 1 or g.min_age is null

    union all
    select
        s.scenario_id, s.replicate_id,
        'match_tiers: '
        || case
            when s.has_own_bands and g.rows is null then 'match_formula ' || s.match_formula || ' needs rows, and there are none'
            when s.match_formula = 'custom' then 'match_formula custom takes one band, 0 to 999, got ' || g.bands
                || '; bands are for tenure_graded and points_graded'
            else 'expected no rows, as match_formula ' || s.match_formula || ' has its own, got ' || g.rows
        end
    from (
        select *, match_formula in ('custom', 'tenure_graded', 'points_graded') as has_own_bands
        from {{ ref('dim_scenario') }}
    ) as s
    left join (
        select scenario_id, count(*) as rows, count(distinct row(band_min, band_max)) as bands
        from {{ source('inputs', 'scenario_match_tiers') }}
        group by scenario_id
    ) as g on g.scenario_id = s.scenario_id
    where s.has_own_bands = (g.rows is null) or (s.match_formula = 'custom' and g.bands > 1)

    union all
    select
        s.scenario_id, s.replicate_id,
        'core_tiers: '
        || case
            when s.core_formula = 'points' then 'core_formula points needs rows, and there are none'
            else 'expected no rows, as core_formula ' || s.core_formula || ' takes none, got ' || g.rows
        end
    from {{ ref('dim_scenario') }} as s
    left join (
        select scenario_id, count(*) as rows
        from {{ source('inputs', 'scenario_core_tiers') }}
        group by scenario_id
    ) as g on g.scenario_id = s.scenario_id
    where (s.core_formula = 'points' and g.rows is null)
        or (s.core_formula not in ('points', 'service') and g.rows is not null)

    union all
    select
        s.scenario_id, s.replicate_id,
        'vesting_steps: '
        || case
            when s.is_custom then m.source || '_vesting custom needs rows of money_source ' || m.source || ', and there are none'
            else 'expected no rows of money_source ' || m.source || ', as ' || m.source || '_vesting is ' || s.schedule
                || ' and not custom, got ' || g.rows
        end
    from (values ('match'), ('core')) as m (source)
    cross join lateral (
        select
            scenario_id,
            replicate_id,
            case m.source when 'match' then match_vesting else core_vesting end as schedule,
            schedule = 'custom' as is_custom
        from {{ ref('dim_scenario') }}
    ) as s
    left join (
        select scenario_id, money_source, count(*) as rows
        from {{ source('inputs', 'scenario_vesting_steps') }}
        group by all
    ) as g on g.scenario_id = s.scenario_id and g.money_source = m.source
    where s.is_custom = (g.rows is null)

    union all
    select
        s.scenario_id, s.replicate_id,
        'vesting_steps: money_source must be match or core, got ' || coalesce('''' || o.money_source || '''', 'nothing')
    from {{ source('inputs', 'scenario_vesting_steps') }} as o
    inner join {{ ref('dim_scenario') }} as s on s.scenario_id = o.scenario_id
    where coalesce(o.money_source, '') not in ('match', 'core')

    union all
    select
        scenario_id, replicate_id,
        'vesting_steps: ' || money_source || ', step at ' || service_years || ': expected '
        || case
            when service_years = previous_years then 'each number of years once'
            when vested_e5 < previous_e5 then 'at least ' || previous_e5 * 0.00001 || ', the step before, got ' || vested_e5 * 0.00001
            else 'the last step to be vested 1, got ' || vested_e5 * 0.00001
        end
    from (
        select
            *,
            lag(service_years) over in_order as previous_years,
            lag(vested_e5) over in_order as previous_e5,
            lead(service_years) over in_order is null as is_last
        from {{ ref('dim_vesting_step') }}
        window in_order as (
            partition by scenario_id, replicate_id, money_source order by service_years, vested_e5
        )
    )
    where service_years = previous_years or vested_e5 < previous_e5 or (is_last and vested_e5 <> {{ e5 }})

    -- 26 U.S.C. 411(a)(2)(B): at every year of service at least the one, or at every year at least the other.
    -- Both are 1 from 6 years on.
    union all
    select
        scenario_id, replicate_id,
        'vesting_steps: ' || money_source || ' is vested later than the law allows: after '
        || min(years) filter (where own_e5 < cliff_e5) || ' years less than cliff_3 and after '
        || min(years) filter (where own_e5 < graded_e5) || ' years less than graded_2_to_6; '
        || 'expected at least one of them throughout, or governmental'
    from (
        select
            v.scenario_id,
            v.replicate_id,
            v.money_source,
            y.years,
            coalesce(max(v.vested_e5) filter (where v.service_years <= y.years), 0) as own_e5,
            case when y.years >= 3 then {{ e5 }} else 0 end as cliff_e5,
            case when y.years >= 2 then least(20000 * (y.years - 1), {{ e5 }}) else 0 end as graded_e5
        from {{ ref('dim_vesting_step') }} as v
        inner join {{ ref('dim_scenario') }} as s
            on s.scenario_id = v.scenario_id and s.replicate_id = v.replicate_id and not s.governmental
        cross join (select unnest(range(7)) as years) as y
        group by all
    )
    group by scenario_id, replicate_id, money_source
    having count(*) filter (where own_e5 < cliff_e5) > 0 and count(*) filter (where own_e5 < graded_e5) > 0

    union all
    select
        scenario_id, replicate_id,
        'irs_limits: '
        || case
            when limit_year = next_year then 'expected the year ' || limit_year || ' once'
            else 'the year ' || (limit_year + 1) || ' is missing, between ' || limit_year || ' and ' || next_year
        end
    from (
        select
            scenario_id,
            replicate_id,
            limit_year,
            lead(limit_year) over (partition by scenario_id, replicate_id order by limit_year) as next_year
        from {{ ref('dim_irs_limit') }}
        where not is_estimated
    )
    where next_year <> limit_year + 1

    union all
    select
        l.scenario_id, l.replicate_id,
        'irs_limits: the table begins with ' || min(l.limit_year) || '; the first simulation year ' || s.first_year
        || ' needs ' || (s.first_year - 1) || ' too (last year''s pay tells who is highly compensated): '
        || 'give irs_limits from then on, or begin in ' || (min(l.limit_year) + 1)
    from {{ ref('dim_irs_limit') }} as l
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
    group by l.scenario_id, l.replicate_id, s.first_year
    having min(l.limit_year) > s.first_year - 1

    union all
    select
        scenario_id, replicate_id,
        'irs_limits: year ' || coalesce(limit_year || '', 'missing') || ': expected a year of 1900 to 2300 and limits of 0 to '
        || '500,000,000 in whole currency units'
    from {{ ref('dim_irs_limit') }}
    where not is_estimated and not coalesce(
        limit_year between 1900 and 2300
        {%- for limit in limits %}
        and {{ limit }}_cents between 0 and 50000000000 and {{ limit }}_cents % 100 = 0
        {%- endfor %}, false)
)

select scenario_id, replicate_id, problem
from problems
