{{ config(materialized='table') }}
select ({{ var('simulation_year') }} - 2024 + i)::integer as n from range(3) as t(i)
