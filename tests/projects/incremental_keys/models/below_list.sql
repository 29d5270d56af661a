{{ config(unique_key=['id'], incremental_predicates=['DBT_INCREMENTAL_TARGET.amount < 31', 'DBT_INCREMENTAL_TARGET.id > 1']) }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
