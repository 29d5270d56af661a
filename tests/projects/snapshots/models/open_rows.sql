{{ config(materialized='view') }}
select id, pay from {{ ref('by_check') }} where dbt_valid_to is null
