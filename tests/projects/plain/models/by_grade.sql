{{ config(materialized='view') }}
{% set years = [this_year(), this_year(1)] %}
select grade, count(*) as people, '{{ years | join("/") }}' as years
from {{ ref('opening') }} group by grade
