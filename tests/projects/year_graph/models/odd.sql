{{ config(alias='odd_' ~ var('simulation_year')) }}
select 'odd' as word, {{ var('simulation_year') }} as y
