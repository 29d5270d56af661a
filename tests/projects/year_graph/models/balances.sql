{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
select account, amount, simulation_year, '{{ parity() }}' as parity
{% if is_first() %}
from {{ ref('opening') }}
{% else %}
from {{ ref('carried') }}
{% endif %}
