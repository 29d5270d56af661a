{{ config(materialized='view') }}
select made_by, count(*) as n from {{ ref('third') }} group by all
