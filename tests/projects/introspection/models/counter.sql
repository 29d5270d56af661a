{% set before = adapter.get_relation(database=this.database, schema=this.schema, identifier=this.identifier) %}
{% if before is none %}
select 1 as runs, {{ var('simulation_year') }} as simulation_year
{% else %}
select max(runs) + 1 as runs, {{ var('simulation_year') }} as simulation_year from {{ before }}
{% endif %}
