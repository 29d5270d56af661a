{{ config(materialized='view') }}
select count(*) as row_count, count(columns(*)) from {{ ref('synced') }}
