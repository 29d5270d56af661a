select max(starts) as latest, count(*) as months from {{ ref('calendar') }}
