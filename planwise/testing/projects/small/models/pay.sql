{{ config(materialized='incremental', incremental_strategy='delete+insert', unique_key='simulation_year') }}
{% if is_incremental() %}
select y.simulation_year, p.id, p.grade, p.pay + p.pay // 50 as pay
from {{ this }} as p join {{ ref('this_year') }} as y on p.simulation_year = y.year_before
{% else %}
select y.simulation_year, h.id, h.grade, h.pay from {{ ref('hired') }} as h, {{ ref('this_year') }} as y
{% endif %}
