{# var('nothing') #}
select '{% raw %}{{ not jinja }}{% endraw %}' as text
-- {{ 'rendered' }} comment