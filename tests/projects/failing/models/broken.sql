select case when y >= 2025 then error('no such year: ' || y) else 'fine' end as word
from {{ ref('good') }}
