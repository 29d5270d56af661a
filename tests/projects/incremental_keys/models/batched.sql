{{ config(incremental_strategy='microbatch', event_time='happened_at', batch_size='year', begin='2025-01-01') }}
select simulation_year, id, amount, make_timestamp(simulation_year, 6, 1, 0, 0, 0) as happened_at
from {{ ref('yearly') }}
