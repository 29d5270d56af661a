{% macro checked(year) %}case when {{ year }} >= 2026 then error('no such year: ' || {{ year }}) else 'fine' end{% endmacro %}
