{% macro get_incremental_newest_sql(arg_dict) %}
  delete from {{ arg_dict['target_relation'] }} where simulation_year < {{ var('simulation_year') - 1 }};
  insert into {{ arg_dict['target_relation'] }} select * from {{ arg_dict['temp_relation'] }}
{% endmacro %}
