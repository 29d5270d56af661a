{{ config(post_hook='delete from {{ this }}') }}
select simulation_year from {{ ref('first') }}
