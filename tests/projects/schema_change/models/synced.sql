{{ config(on_schema_change='sync_all_columns') }}
select {{ yearly_columns() }} from {{ ref('numbers') }}
