{% macro pay_of(grade) %}case {{ grade }} when 'a' then 100 else 200 end{% endmacro %}
