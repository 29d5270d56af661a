{{ config(materialized='incremental', unique_key=['id']) }}
{% if is_incremental() %}
select amount / 3 as amount, simulation_year, id::varchar as id, 'ignored' as extra from {{ ref('current_ledger') }}
{% else %}
select id, amount, simulation_year from {{ ref('current_ledger') }}
{% endif %}
