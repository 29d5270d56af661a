{{ config(alias='yearly_' ~ var('simulation_year')) }}
select {{ var('simulation_year') }} as y
