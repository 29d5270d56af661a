{{ config(materialized='incremental', unique_key='simulation_year') }}
select a.simulation_year, a.id, a.pay{% if is_incremental() %} + (select max(pay) from {{ this }}){% endif %} as pay
from {{ ref('asked') }} as a join {{ ref('this_year') }} using (simulation_year)
