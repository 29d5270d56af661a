{{ config(materialized='view') }}
select * from {{ ref(parity()) }}
