{{ config(materialized='view') }}
select * from {{ ref('ledger') }} where simulation_year = {{ var('simulation_year') }}
