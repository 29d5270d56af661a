{% macro first_of(year) %}make_date({{ year }}, 1, 1)::timestamp{% endmacro %}
