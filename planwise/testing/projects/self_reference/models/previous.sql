{%- set before = load_relation(this) -%}
select {{ var('simulation_year') }} as simulation_year, sum(amount) as total
from {{ ref('current_ledger') }}
{% if before %}
union all select * from {{ before }}
{% endif %}
