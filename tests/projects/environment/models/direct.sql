{{ config(materialized='incremental', unique_key='word') }}
select '{{ env_var('CORPUS_WORD') }}' as word, {{ var('simulation_year') }} as simulation_year, current_setting('default_order')::varchar as default_order
