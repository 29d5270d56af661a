{{ config(incremental_strategy='merge', unique_key='id', merge_update_columns=['amount']) }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
qualify row_number() over (partition by id order by amount) = 1
