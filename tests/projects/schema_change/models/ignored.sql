{{ config(on_schema_change='ignore') }}
select {{ yearly_columns(vanishing=false) }} from {{ ref('numbers') }}
