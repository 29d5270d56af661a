select b.simulation_year, sum(b.amount) as amount,
{% if var('simulation_year') | int >= var('bonus_from') | int %}
    (select sum(bonus) from {{ ref('bonus') }}) as bonus
{% else %}
    null::bigint as bonus
{% endif %}
from {{ ref('balances') }} as b group by all
