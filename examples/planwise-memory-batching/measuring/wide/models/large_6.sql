{{ config(pre_hook={"sql": "select 1", "transaction": false}) }}
select {{ var("simulation_year") }} as simulation_year, len(list(number)) as numbers
from range(18000000) as numbers (number)
