-- depends_on: {{ ref('people') }}
{% set count = run_query("select count(*) from " ~ ref('people')).columns[0].values()[0] if execute else 0 %}
select *, {{ count }} as people from {{ ref('paid') }}  -- a comment at the end, with a ' in it
