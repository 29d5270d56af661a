select n, row_number() over (order by nullif(n, 3)) as position from {{ ref('numbers') }}
