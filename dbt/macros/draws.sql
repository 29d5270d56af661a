{#
  Draws are pure functions of seed, name of the draws, replicate, year, purpose and person:

      key = seed|draws|replicate_id|year|purpose|person                  (UTF-8; the person comes last)
      k   = the first 14 hexadecimal digits of md5(key) as an integer, shifted right by 3   (53 bits)
      u   = (k + 1/2) / 2^53                                             (never 0, never 1)

  `draws` is the scenario's own name, or that of another whose draws it shares, so that the same people leave and
  join in both. No draw depends on the order of rows, on threads or on a version of DuckDB.
#}

{# Every purpose there is, and what its draws decide. `draw` refuses any other word. #}
{% macro draw_purposes() %}
  {%- set purposes = {
    'leave': 'the order in which people leave (experienced people, and hires in their year of hire)',
    'leave_day': 'the termination date of a leaver',
    'reduce': 'the order in which people leave in a reduction in force',
    'hire_level': 'the order in which levels are dealt to the hires',
    'hire_age': 'the age of a hire',
    'hire_birth_day': 'the days since the last birthday of a hire',
    'promote': 'whether a person is promoted',
    'promote_pay': 'the raise that comes with a promotion',
    'raise_month': 'the month of the yearly raise, once for the whole simulation (year 0)',
    'voluntary': 'whether a person enrols voluntarily (year of the day it is drawn for)',
    'opt_out_day': 'the days from an automatic enrolment to the opt-out (year of the enrolment)',
    'opt_out': 'whether a person opts out of an automatic enrolment (year of the opt-out)',
  } -%}
  {%- for i in range(1, 13) -%}
    {%- do purposes.update({'hire_pay_%02d' % i: 'part %d of 12 of the pay of a hire' % i}) -%}
  {%- endfor -%}
  {{ return(purposes) }}
{% endmacro %}

{# BIGINT k of 53 bits. `scenario` is the alias of a relation with seed, draws and replicate_id. #}
{% macro draw(purpose, person, year, scenario='s') -%}
{%- if purpose not in draw_purposes() -%}
  {{ exceptions.raise_compiler_error("draw: '" ~ purpose ~ "' is not listed in draw_purposes()") }}
{%- endif -%}
(cast('0x' || substr(md5(
  concat({{ scenario }}.seed, '|', {{ scenario }}.draws, '|', {{ scenario }}.replicate_id, '|{{ year }}|{{ purpose }}|', {{ person }})
), 1, 14) as bigint) >> 3)
{%- endmacro %}

{# The part of the key before the purpose: for `draws`, which many draws of one person share. #}
{% macro draw_key(year, scenario='s') -%}
concat({{ scenario }}.seed, '|', {{ scenario }}.draws, '|', {{ scenario }}.replicate_id, '|{{ year }}|')
{%- endmacro %}

{#
  The same k for several purposes at once: a list in their order, from one expression however many there are. `key` is
  a column with draw_key.
#}
{% macro draws(purposes, person, key) -%}
{%- for purpose in purposes if purpose not in draw_purposes() -%}
  {{ exceptions.raise_compiler_error("draws: '" ~ purpose ~ "' is not listed in draw_purposes()") }}
{%- endfor -%}
list_transform(
  ['{{ purposes | join("|', '") }}|'],
  lambda purpose: cast('0x' || substr(md5(concat({{ key }}, purpose, {{ person }})), 1, 14) as bigint) >> 3
)
{%- endmacro %}

{# u as DOUBLE: for sort keys only, never for an amount or a count. #}
{% macro unit_interval(k) -%}
(cast(2 * {{ k }} + 1 as double) / 18014398509481984)
{%- endmacro %}

{# floor(u * n), whole numbers 0 .. n - 1, for 1 <= n <= 511 in 64 bits. #}
{% macro uniform_below(k, n) -%}
(((2 * {{ k }} + 1) * ({{ n }})) >> 54)
{%- endmacro %}

{# floor(u * 1000000): compared with distributions that add up in units of 1e-6. #}
{% macro uniform_e6(k) -%}
cast((cast(2 * {{ k }} + 1 as hugeint) * 1000000) >> 54 as integer)
{%- endmacro %}

{# u < chance, exactly; the chance is a whole number of 1e-15. #}
{% macro happens(k, chance_e15) -%}
(cast(2 * {{ k }} + 1 as hugeint) * 1000000000000000 < cast({{ chance_e15 }} as hugeint) * 18014398509481984)
{%- endmacro %}

{# Place in the order of leaving: exponential with rate `weight`, smallest first; without weight after all others. #}
{% macro hazard_key(k, weight) -%}
case when {{ weight }} = 0 then cast('infinity' as double) else -ln({{ unit_interval(k) }}) / cast({{ weight }} as double) end
{%- endmacro %}

{# A product of five factors in 1e-5, scaled down once to 1e-15 (floor), at most 1. #}
{% macro chance_e15(a, b, c, d, e) -%}
cast(least(
  cast({{ a }} as hugeint) * {{ b }} * {{ c }} * {{ d }} * {{ e }} // 10000000000,
  1000000000000000
) as bigint)
{%- endmacro %}
