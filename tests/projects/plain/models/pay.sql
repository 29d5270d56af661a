{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
select
    o.id,
    o.simulation_year,
    {% if is_incremental() %}
    (select p.amount from {{ this }} as p where p.id = o.id and p.simulation_year = {{ this_year(-1) }})
    {% else %}
    100
    {% endif %} + r.rate as amount
from {{ ref('opening') }} as o
join {{ ref('rates') }} as r using (grade)
