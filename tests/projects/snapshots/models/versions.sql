select id, count(*) as versions, count(dbt_valid_to) as closed, max(pay) as pay from {{ ref('by_time') }} group by id
