-- depends_on: {{ ref('facts') }}
{% if execute %}
select '{{ column_names(ref('facts')) }}' as names
{% else %}
select '' as names
{% endif %}
