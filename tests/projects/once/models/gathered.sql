{{ config(materialized='incremental') }}
select *
from {{ ref('painted') }}
