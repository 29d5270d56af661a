{{ config(materialized='incremental', incremental_strategy='append') }}
{% set own = load_relation(this) %}
select {{ var('simulation_year') }} as simulation_year, '{{ own.type if own else "absent" }}' as kind,
  '{{ column_names(this) if own else "" }}' as names
