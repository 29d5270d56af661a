select *, '{{ var("colour") }}' as colour
from {{ ref('people') }}
