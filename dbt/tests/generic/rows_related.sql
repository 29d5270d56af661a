{# Every combination of the columns is found in the other model, under the same names or those of to_columns. #}
{% test rows_related(model, columns, to, to_columns=none) %}
select distinct {{ columns | join(', ') }}
from {{ model }} as child
where not exists (
    select 1
    from {{ to }} as parent
    where {% for column in columns -%}
        parent.{{ (to_columns or columns)[loop.index0] }} = child.{{ column }}{% if not loop.last %} and {% endif %}
    {%- endfor %}
)
{% endtest %}
