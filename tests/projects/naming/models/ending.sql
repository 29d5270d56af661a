{{ config(alias='UPPER') }}
select count(*) as n, '{{ this.schema }}' as s, '{{ this.identifier }}' as i from {{ ref('upper') }}
