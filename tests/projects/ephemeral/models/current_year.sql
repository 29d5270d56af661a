select * from {{ ref('year_both') }}
