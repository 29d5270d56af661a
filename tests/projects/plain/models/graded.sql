select * from {{ ref('by_grade') }}
