{{ config(unique_key='id', incremental_predicates=['amount < ' ~ var('below')]) }}
select simulation_year, id, grp, amount from {{ ref('yearly') }}
