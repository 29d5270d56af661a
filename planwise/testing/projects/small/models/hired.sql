{{ config(materialized='view') }}
select id, coalesce(grade, 'none') as grade, pay from {{ ref('people') }}
