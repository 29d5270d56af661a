{# Reads the year and writes text: no graph, no configuration. #}
{% macro this_year(shift=0) %}{{ var('simulation_year') + shift }}{% endmacro %}
{% macro years_before(count) -%}
    {%- set found = [] -%}
    {%- for back in range(1, count + 1) -%}{%- do found.append(this_year(-back)) -%}{%- endfor -%}
    {{ return(found | join(', ')) }}
{%- endmacro %}
