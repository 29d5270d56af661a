{{ config(on_schema_change='append_new_columns', incremental_strategy='append', unique_key=none) }}
select {{ yearly_columns() }} from {{ ref('numbers') }}
