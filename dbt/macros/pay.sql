{# Pay after the yearly raise: min(pay * (1 + merit + COLA), pay * (1 + cap), pay + cap amount), in cents. #}
{% macro raised_pay(pay, merit) -%}
least(
    {{ div_round(pay ~ ' * (100000 + ' ~ merit ~ ' + cola_rate_e5)', '100000') }},
    {{ div_round(pay ~ ' * (100000 + raise_cap_rate_e5)', '100000') }},
    {{ pay }} + raise_cap_amount_cents
)
{%- endmacro %}

{#
  Pay rate times days from a day to the end, summed, from the columns of int_ledger_replay: the rate of the start for
  all days, and what each change of the ledger adds from its own day on.
#}
{% macro ledger_pay_days(day) -%}
(
    cast(start_pay as hugeint) * (day_after - {{ day }})
    + promotion_step * greatest(day_after - greatest({{ day }}, promotion_date), 0)
    + raise_step * greatest(day_after - greatest({{ day }}, raise_date), 0)
)
{%- endmacro %}
