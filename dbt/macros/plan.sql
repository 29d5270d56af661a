{# The entry date: the later of hire and waiting period, and the birthday of the minimum age. `s` has the terms. #}
{% macro plan_entry_date(hire_date, birth_date, s='s') -%}
greatest(
    {{ hire_date }} + {{ s }}.eligibility_waiting_days,
    cast({{ birth_date }} + to_years({{ s }}.eligibility_min_age) as date)
)
{%- endmacro %}

{# The annual pay rate in force on a day of the year, from the columns of int_pay_changes. #}
{% macro pay_on(day, c) -%}
case
    when {{ c }}.raise_month > 1 and {{ day }} >= {{ c }}.raise_date then {{ c }}.closing_pay_cents
    when {{ day }} >= {{ promotion_date() }} then {{ c }}.promoted_pay_cents
    else {{ c }}.january_pay_cents
end
{%- endmacro %}

{#
  Sum of the pay rates of the days from `from_day` up to, not including, `until_day`, from the columns of
  int_pay_changes: the pay of January for all of them, and each later change for the days that are left. No product is
  above that of prorated pay, which is summed in 64 bits there.
#}
{% macro pay_days(from_day, until_day, c) -%}
(
    {{ c }}.january_pay_cents * ({{ until_day }} - {{ from_day }})
    + ({{ c }}.promoted_pay_cents - {{ c }}.january_pay_cents)
        * greatest({{ until_day }} - greatest({{ from_day }}, {{ promotion_date() }}), 0)
    + ({{ c }}.closing_pay_cents - {{ c }}.promoted_pay_cents)
        * greatest({{ until_day }} - greatest({{ from_day }}, {{ c }}.raise_date), 0)
)
{%- endmacro %}

{# Whether hours * 52 * days reach the minimum of a year of `year_days` days: hours are weekly, DECIMAL(5, 2). #}
{% macro has_hours(weekly_hours, days, min_hours, year_days) -%}
(cast({{ weekly_hours }} * 100 as bigint) * 52 * ({{ days }}) >= cast({{ min_hours }} as bigint) * 100 * ({{ year_days }}))
{%- endmacro %}
