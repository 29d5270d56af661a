{{ config(materialized='view') }}
select simulation_year, sum(pay)::decimal(38, 2) as total from {{ ref('yearly') }} group by all
