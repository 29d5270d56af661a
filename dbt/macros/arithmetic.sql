{# Exact arithmetic: everything is an integer, and each amount is divided once. #}

{# numerator / denominator rounded half up; both non-negative, wide enough for twice the numerator. #}
{% macro div_round(numerator, denominator) -%}
((2 * ({{ numerator }}) + ({{ denominator }})) // (2 * ({{ denominator }})))
{%- endmacro %}

{# DECIMAL rate or multiplier -> whole units of 1e-5. #}
{% macro to_e5(column) -%}
cast({{ column }} * 100000 as bigint)
{%- endmacro %}

{# DECIMAL money -> cents. #}
{% macro to_cents(column) -%}
cast({{ column }} * 100 as bigint)
{%- endmacro %}

{# Completed years between two dates; somebody born on 29 February has the day on the 28th in common years. #}
{% macro completed_years(from_date, to_date) -%}
cast(date_sub('year', {{ from_date }}, {{ to_date }}) as integer)
{%- endmacro %}
