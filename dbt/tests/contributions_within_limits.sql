-- In every year a contribution keeps to the elective limit and the catch-up of the age on 31 December, and everything
-- that counts as an annual addition to its limit and to pay.
select w.*
from {{ ref('fct_workforce_snapshot') }} as w
left join {{ ref('dim_irs_limit') }} as l
    on l.scenario_id = w.scenario_id and l.replicate_id = w.replicate_id and l.limit_year = w.simulation_year
where not coalesce(
    w.contribution_cents <= l.elective_cents + case
        when w.age_years between 60 and 63 then l.catch_up_60_63_cents
        when w.age_years >= 50 then l.catch_up_50_cents
        else 0
    end
    and w.contribution_cents <= w.prorated_pay_cents
    and w.contribution_cents - w.catch_up_cents + w.match_cents + w.core_cents + w.reallocated_cents
    <= least(l.annual_additions_cents, w.prorated_pay_cents),
    false
)
