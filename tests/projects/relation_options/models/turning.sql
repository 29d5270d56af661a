{{ config(materialized='view' if var('simulation_year') % 2 else 'table') }}
select * from {{ ref('documented') }}
