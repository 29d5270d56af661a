{{ config(post_hook='delete from {{ this }}') }}
select simulation_year, read_by from {{ ref('first') }}
