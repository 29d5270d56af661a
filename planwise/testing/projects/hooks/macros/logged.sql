{% macro logged(moment, what) %}insert into run_log values ('{{ moment }}', {{ var('simulation_year') }}, '{{ what }}'){% endmacro %}
