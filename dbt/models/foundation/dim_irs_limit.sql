-- The limits of each year from the table's first to 2300. After the table's last row, `last`, k years on:
--     last + step * floor(last * ((1 + i)^k - 1) / step)
-- (1 + i)^k has up to 5k decimals, more than any type holds, so it is carried as a whole number of 1e-28, rounded
-- down each year. The floor is the right one all the same. Write 1 + i as p/q in lowest terms; q divides a power of
-- ten. The floor could only err where the exact quotient is a whole number, or above one by less than the error.
--   * A whole number: then q^k divides last, as it has no factor in common with p^k - q^k. The check refuses a last
--     of 2^29 or more, so q^k divides 10^28, and the power is exact.
--   * Above: the error is below k * (1 + i)^k * last / step * 1e-28, about 1e-22 for the defaults after a century; the
--     quotients that are no whole numbers keep away from whole ones by far more than that, short of a contrivance.
-- Growth stops at 80,000 times the last row, where a limit limits nobody and the power would leave 128 bits.
{%- set last_year = 2300 %}
{%- set scale = '10000000000000000000000000000' %}
{%- set limits = [
    'elective', 'catch_up_50', 'catch_up_60_63', 'compensation', 'hce', 'annual_additions', 'ss_wage_base',
] %}
{%- set columns = {'limit_year': 'limit_year'} %}
{%- for limit in limits %}
  {%- do columns.update({limit ~ '_cents': to_cents(limit)}) %}
{%- endfor %}
with recursive published as (
    {{ scenario_table('default_irs_limits', 'scenario_irs_limits', columns) }}
),

last_rows as (
    select *
    from published
    where limit_year between 1900 and {{ last_year }}
    qualify row_number() over (partition by scenario_id, replicate_id order by limit_year desc) = 1
),

powers as (
    select distinct limit_index_rate_e5, 0 as years, cast({{ scale }} as hugeint) as growth
    from {{ ref('dim_scenario') }}
    where limit_index_rate_e5 between 0 and 100000 -- any other rate is refused by the check
    union all
    select
        limit_index_rate_e5,
        years + 1,
        least(growth * (100000 + limit_index_rate_e5) // 100000, 80000 * cast({{ scale }} as hugeint))
    from powers
    where years < (select max({{ last_year }} - limit_year) from last_rows)
),

estimated as (
    select
        l.scenario_id,
        l.replicate_id,
        l.limit_year + p.years as limit_year,
        {%- for limit in limits %}
        {{ indexed_limit('l.' ~ limit ~ '_cents', 's.limit_step_' ~ limit ~ '_cents', 'p.growth', scale) }}
            as {{ limit }}_cents,
        {%- endfor %}
        true as is_estimated,
        l.source
    from last_rows as l
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
    inner join powers as p
        on p.limit_index_rate_e5 = s.limit_index_rate_e5
        and p.years between 1 and {{ last_year }} - l.limit_year
)

select
    scenario_id,
    replicate_id,
    limit_year,
    {%- for limit in limits %}
    {{ limit }}_cents,
    {%- endfor %}
    is_estimated,
    source
from (
    select *, false as is_estimated
    from published
    union all by name
    from estimated
)
