{{ config(alias='UPPER', schema='stage two', materialized='view') }}
select p.id, r.* from {{ ref('people', v=1) }} as p, {{ ref('reserved') }} as r
