{% if var('simulation_year') < 2025 %}
select * from {{ ref('zz_low') }}
{% else %}
select * from {{ ref('high') }}
{% endif %}
