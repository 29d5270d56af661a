{{ config(
    pre_hook="delete from audit where model = 'none' and simulation_year = {{ var('simulation_year') }}",
    post_hook=["delete from {{ this }} where n > {{ var('keep') }}", "insert into {{ this }} values (-{{ var('simulation_year') }})"],
) }}
select n from {{ ref('numbers') }}
