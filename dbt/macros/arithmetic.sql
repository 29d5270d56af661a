{# Exact arithmetic: everything is an integer, and each amount is divided once. #}

{# numerator / denominator rounded half up; both non-negative, wide enough for twice the numerator. #}
{% macro div_round(numerator, denominator) -%}
((2 * ({{ numerator }}) + ({{ denominator }})) // (2 * ({{ denominator }})))
{%- endmacro %}

{#
  amount * rate / unit rounded half up, in 64 bits, for amount and rate of at least 0 and rate * unit below 2^62: the
  whole units of the amount are multiplied alone, so that only what is left of it is divided. A HUGEINT product is
  divided bit by bit, which costs several times as much.
#}
{% macro rate_of(amount, rate, unit) -%}
(({{ amount }}) // ({{ unit }}) * {{ rate }} + {{ div_round('(' ~ amount ~ ') % (' ~ unit ~ ') * ' ~ rate, unit) }})
{%- endmacro %}

{#
  div_round for a numerator of 128 bits, where some may need them and few do: a division of 64 bits takes an eighth
  of the time. The numerator is a column, since it is repeated; the denominator is far below 2^62.
#}
{% macro div_round_wide(numerator, denominator) -%}
case
    when {{ numerator }} between -4000000000000000000 and 4000000000000000000
        then {{ div_round('cast(' ~ numerator ~ ' as bigint)', denominator) }}
    else {{ div_round(numerator, denominator) }}
end
{%- endmacro %}

{# DECIMAL rate or multiplier -> whole units of 1e-5. #}
{% macro to_e5(column) -%}
cast({{ column }} * 100000 as bigint)
{%- endmacro %}

{# DECIMAL money -> cents. #}
{% macro to_cents(column) -%}
cast(cast({{ column }} as decimal(30, 2)) * 100 as bigint)
{%- endmacro %}

{# Completed years between two dates; somebody born on 29 February has the day on the 28th in common years. #}
{% macro completed_years(from_date, to_date) -%}
cast(date_sub('year', {{ from_date }}, {{ to_date }}) as integer)
{%- endmacro %}

{#
  last + step * floor(last * ((1 + i)^k - 1) / step) in cents, for whole currency units (given in cents) and a
  `growth` of (1 + i)^k in units of 1 / scale, a scale of 1e28. The whole part of the growth is split off so that no
  product leaves 128 bits; a last above 2^29 units or a step below one, which the check refuses, must not stop it
  here.
#}
{% macro indexed_limit(last, step, growth, scale) -%}
{%- set units = 'cast(least(' ~ last ~ ' // 100, 536870912) as hugeint)' -%}
cast({{ last }} + {{ step }} * ((
    {{ units }} * ({{ growth }} // {{ scale }} - 1) + {{ units }} * ({{ growth }} % {{ scale }}) // {{ scale }}
) // greatest({{ step }} // 100, 1)) as bigint)
{%- endmacro %}

{# A mean in cents; null where there is nobody. #}
{% macro mean_cents(total, people) -%}
cast(case when {{ people }} > 0 then {{ div_round(total, people) }} end as bigint)
{%- endmacro %}

{# Growth of one mean over another in 1e-5, from the sums; null where there is nobody on either side. #}
{% macro mean_growth(total, people, total_before, people_before) -%}
cast(case
    when {{ people }} > 0 and {{ people_before }} > 0
        then {{ div_round(total ~ ' * ' ~ people_before ~ ' * 100000', people ~ ' * ' ~ total_before) }} - 100000
end as bigint)
{%- endmacro %}
