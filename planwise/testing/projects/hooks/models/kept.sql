{{ config(
    materialized='incremental', incremental_strategy='append',
    pre_hook="{% if is_incremental() %}delete from {{ this }} where simulation_year < {{ var('simulation_year') }} and n = 1{% endif %}",
    post_hook={"sql": "insert into {{ this }} select {{ var('simulation_year') }}, count(*) from {{ ref('trimmed') }}", "transaction": false},
) }}
select {{ var('simulation_year') }} as simulation_year, shifted(n) - {{ var('shift') }} as n
from {{ ref('numbers') }} where n <= 2
