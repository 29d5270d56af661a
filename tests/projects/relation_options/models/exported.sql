{{ config(materialized='external', format='parquet') }}
select * from {{ ref('documented') }}
