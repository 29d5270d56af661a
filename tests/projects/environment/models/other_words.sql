{{ config(enabled=env_var('CORPUS_OTHER', 'unset') != 'off') }}
select 'other' as word, {{ var('simulation_year') }} as simulation_year
