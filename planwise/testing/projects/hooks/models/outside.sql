{{ config(
    materialized='view',
    pre_hook=[before_begin("insert into run_log values ('before begin', {{ var('simulation_year') }}, 'outside')")],
    post_hook=[after_commit("insert into run_log select 'after commit', {{ var('simulation_year') }}, count(*)::varchar from {{ this }}")],
) }}
select shifted(n) as m from {{ ref('numbers') }}
