{{ config(unique_key='grp') }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
