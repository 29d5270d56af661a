{% snapshot by_time %}
{{ config(unique_key='id', strategy='timestamp', updated_at='moment', hard_deletes='ignore') }}
select * from {{ ref('changed') }}
{% endsnapshot %}
