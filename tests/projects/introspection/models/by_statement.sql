-- depends_on: {{ ref('facts') }}
{%- call statement('newest', fetch_result=True) -%}
  select max(simulation_year) as newest, count(*) as rows from {{ ref('facts') }}
{%- endcall -%}
{% if execute %}{% set newest = load_result('newest')['data'][0] %}{% else %}{% set newest = [0, 0] %}{% endif %}
select {{ newest[0] }} as newest, {{ newest[1] }} as row_count
