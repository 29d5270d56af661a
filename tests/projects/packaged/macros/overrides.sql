{% macro default__month_start(year, month) %}make_date({{ year }}, {{ month }}, 15){% endmacro %}
