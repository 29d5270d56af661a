{% macro month_start(year, month) %}{{ return(adapter.dispatch('month_start', 'dates')(year, month)) }}{% endmacro %}
{% macro default__month_start(year, month) %}make_date({{ year }}, {{ month }}, 1){% endmacro %}
{% macro quarter_of(month) %}(({{ month }} + 2) // 3){% endmacro %}
