{% snapshot kept %}
{{ config(unique_key='simulation_year', strategy='timestamp', updated_at='moment') }}
select simulation_year, total, make_timestamp(simulation_year::bigint, 1, 1, 0, 0, 0.0) as moment
from {{ ref('totals') }}
{% endsnapshot %}
