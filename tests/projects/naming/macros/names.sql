{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}{{ var('suffix') }}
{%- endmacro %}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}{{ custom_alias_name }}
    {%- elif node.version -%}{{ node.name }} v{{ node.version }}
    {%- else -%}{{ node.name }}{%- endif -%}
{%- endmacro %}
