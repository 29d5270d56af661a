{{ config(enabled=not is_first()) }}
select account, amount + {{ interest('amount') }} as amount, {{ var('simulation_year') }} as simulation_year
from {{ source('history', 'balances') }} where simulation_year = {{ var('simulation_year') - 1 }}
