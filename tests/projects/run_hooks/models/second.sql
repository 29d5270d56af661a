select max(y) as y from {{ ref('first') }}
