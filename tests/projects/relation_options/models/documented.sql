{{ config(indexes=[{'columns': ['id', 'code']}], grants={'select': ['nobody']}) }}
select id, code, {{ var('simulation_year') }} as simulation_year from {{ ref('codes') }}
