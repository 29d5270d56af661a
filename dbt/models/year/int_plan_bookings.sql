{{ config(materialized='ephemeral') }}
-- The money events of the year, one row each. They are booked on 31 December, a leaver's on the termination date.
{%- set bookings = [
    ('contribution', 110, 'raw_contribution_cents', 'contribution_cents', "'deferral'"),
    ('match', 120, 'formula_match_cents', 'match_cents', 's.match_formula'),
    ('core', 130, 'formula_core_cents', 'core_cents', 's.core_formula'),
    ('reallocation', 135, 'share_cents', 'reallocated_cents', "'by_pay'"),
] %}
{#- Amounts before and after each cut. A cut that did not happen has the same amount on both sides. #}
{%- set cuts = [
    ('elective', 'raw_contribution_cents', 'limited_contribution_cents'),
    ('compensation', 'case when is_eligible then prorated_pay_cents else plan_pay_cents end', 'plan_pay_cents'),
    ('annual_additions_core', 'formula_core_cents', 'core_cents'),
    ('annual_additions_match', 'formula_match_cents', 'match_cents'),
    ('annual_additions_employee', 'limited_contribution_cents', 'contribution_cents'),
] %}

{%- set booking_date = 'coalesce(p.termination_date, ' ~ year_end() ~ ')' %}
{%- for event_type, sequence, before, after, reason in bookings %}
select
    p.scenario_id, p.replicate_id, p.employee_id,
    '{{ event_type }}' as event_type,
    {{ booking_date }} as booking_date,
    {{ sequence }} as event_sequence,
    p.{{ before }} as amount_before_cents,
    p.{{ after }} as amount_after_cents,
    {{ reason }} as reason
from {{ ref('int_plan_accounts') }} as p
{%- if reason.startswith('s.') %}
inner join {{ ref('dim_scenario') }} as s
    on s.scenario_id = p.scenario_id and s.replicate_id = p.replicate_id
{%- endif %}
where p.{{ before }} > 0

union all
{% endfor %}
{%- for reason, before, after in cuts %}
select
    p.scenario_id, p.replicate_id, p.employee_id, 'limit_cut', {{ booking_date }}, 140,
    {{ before }}, {{ after }}, '{{ reason }}'
from {{ ref('int_plan_accounts') }} as p
where {{ after }} < {{ before }}

union all
{% endfor %}
{%- for source in ['match', 'core'] %}
select
    p.scenario_id, p.replicate_id, p.employee_id, 'forfeiture', {{ booking_date }}, 150,
    p.{{ source }}_credited_cents, p.{{ source }}_forfeited_cents, '{{ source }}'
from {{ ref('int_plan_accounts') }} as p
where p.{{ source }}_forfeited_cents > 0
{%- if not loop.last %}

union all
{% endif %}
{%- endfor %}
