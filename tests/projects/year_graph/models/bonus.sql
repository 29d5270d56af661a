{{ config(enabled=var('simulation_year') | int >= var('bonus_from') | int) }}
select account, amount // 20 as bonus from {{ ref('balances') }}
where simulation_year = {{ var('simulation_year') }}
