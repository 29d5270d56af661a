{{ config(materialized='incremental', unique_key='simulation_year') }}
select *, '{{ modules.datetime.datetime.now().isoformat() }}' as rendered, '{{ run_started_at.strftime('%Y') }}' > '2020' as recent from {{ ref('stamped') }}
