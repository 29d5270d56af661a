{% snapshot by_check %}
{{ config(unique_key='id', strategy='check', check_cols=['pay'], hard_deletes='invalidate') }}
select id, pay from {{ ref('people') }}
{% endsnapshot %}
