{% if env_var('CORPUS_WORD') == 'hello' %}
select * from {{ ref('words') }}
{% else %}
select * from {{ ref('other_words') }}
{% endif %}
