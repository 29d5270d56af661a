{# The simulation year: the one var that models read. Only a whole number goes into SQL. #}
{% macro simulation_year() -%}
{%- set year = var('simulation_year') -%}
{%- if execute and (year is not integer or year < 1900 or year > 9998) -%}
  {{ exceptions.raise_compiler_error("simulation_year must be a whole number from 1900 to 9998, got '" ~ year ~ "'") }}
{%- endif -%}
{{ return(year if year is integer else 1900) }}
{%- endmacro %}

{% macro year_start(offset=0) -%}
date '{{ simulation_year() + offset }}-01-01'
{%- endmacro %}

{% macro year_end(offset=0) -%}
date '{{ simulation_year() + offset }}-12-31'
{%- endmacro %}

{% macro days_in_year() -%}
{%- set y = simulation_year() -%}
{{ 366 if (y % 4 == 0 and y % 100 != 0) or y % 400 == 0 else 365 }}
{%- endmacro %}

{# Promotions take effect on this day. #}
{% macro promotion_date() -%}
date '{{ simulation_year() }}-02-01'
{%- endmacro %}

{#
  Completed years on that day, of a date before it: 1 February is the 32nd day of any year, so a date is one of the
  first 32 days of its own year if 32 days before it is the year before. Much cheaper than completed_years.
#}
{% macro completed_years_at_promotion(from_date) -%}
cast({{ simulation_year() - 1 }} - year({{ from_date }} - 32) as integer)
{%- endmacro %}

{# Completed years on 31 December, of a date before it: as many as calendar years. #}
{% macro completed_years_at_year_end(from_date) -%}
cast({{ simulation_year() }} - year({{ from_date }}) as integer)
{%- endmacro %}
