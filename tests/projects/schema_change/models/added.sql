{{ config(on_schema_change='append_new_columns') }}
select {{ yearly_columns() }} from {{ ref('numbers') }}
