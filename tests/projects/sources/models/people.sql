{{ config(materialized='view') }}
select * from {{ source('loaded', 'people') }}
