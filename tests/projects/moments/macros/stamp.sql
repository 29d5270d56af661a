{% macro stamp() %}'{{ invocation_id }}' as invocation, '{{ run_started_at.isoformat() }}'::timestamptz as started, 'here' as stamped_by{% endmacro %}
