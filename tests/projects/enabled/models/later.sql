{{ config(enabled=var('simulation_year') > 2024) }}
select y, 'later' as word from {{ ref('always') }}
