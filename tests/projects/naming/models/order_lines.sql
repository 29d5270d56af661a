{{ config(schema='Stage One', alias='Order Lines', materialized='incremental', unique_key=['"line no"', 'year']) }}
select id as "line no", "a value" as "select", {{ var('simulation_year') }} as year from {{ ref('people') }}
