{# Pay after the yearly raise: min(pay * (1 + merit + COLA), pay * (1 + cap), pay + cap amount), in cents. #}
{% macro raised_pay(pay, merit) -%}
least(
    {{ div_round(pay ~ ' * (100000 + ' ~ merit ~ ' + cola_rate_e5)', '100000') }},
    {{ div_round(pay ~ ' * (100000 + raise_cap_rate_e5)', '100000') }},
    {{ pay }} + raise_cap_amount_cents
)
{%- endmacro %}
