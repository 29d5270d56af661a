{{ config(materialized='view') }}
values ({{ var('simulation_year') }}, 'a'), (1, 'b')
