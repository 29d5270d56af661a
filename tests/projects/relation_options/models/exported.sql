{{ config(
    materialized='external',
    location=env_var('CORPUS_FILES') ~ '/exported_' ~ var('simulation_year') ~ '.parquet',
) }}
select * from {{ ref('documented') }}
