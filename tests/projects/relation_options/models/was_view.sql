{{ config(materialized='view' if var('simulation_year') == 2025 else 'incremental') }}
select {{ var('simulation_year') }} as simulation_year, {{ 1 if is_incremental() else 0 }} as incremental
