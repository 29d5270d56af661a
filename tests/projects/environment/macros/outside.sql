{% macro outside() %}{{ env_var('CORPUS_WORD') }} {{ env_var('CORPUS_OTHER', 'unset') }}{% endmacro %}
