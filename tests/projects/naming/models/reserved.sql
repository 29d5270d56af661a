{{ config(alias='select') }}
select "line no" as "from", 'it''s' as "Group By" from {{ ref('order_lines') }}
