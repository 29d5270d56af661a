select y + 1 as z from {{ ref('yearly') }}
