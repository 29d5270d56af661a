{% set measures = values_of(ref('measures'), 'measure') %}
select simulation_year
{% for measure in measures %}, sum(value) filter (measure = '{{ measure }}') as {{ measure }}{% endfor %}
from {{ ref('facts') }} group by simulation_year
