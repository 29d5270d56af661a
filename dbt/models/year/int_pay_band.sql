-- The first simulation year has the scenario's pay bands; each later year grows every bound by the COLA,
-- rounded to the cent each time. From parameters alone: no state.
with recursive grown as (
    select
        l.scenario_id,
        l.replicate_id,
        l.level,
        s.first_year as band_year,
        s.cola_rate_e5,
        l.min_pay_cents,
        l.max_pay_cents
    from {{ ref('dim_job_level') }} as l
    inner join {{ ref('dim_scenario') }} as s
        on s.scenario_id = l.scenario_id and s.replicate_id = l.replicate_id
    where s.first_year <= {{ simulation_year() }}

    union all

    select
        scenario_id,
        replicate_id,
        level,
        band_year + 1,
        cola_rate_e5,
        {{ div_round('min_pay_cents * (100000 + cola_rate_e5)', '100000') }},
        {{ div_round('max_pay_cents * (100000 + cola_rate_e5)', '100000') }}
    from grown
    where band_year < {{ simulation_year() }}
)

select
    g.scenario_id,
    g.replicate_id,
    {{ simulation_year() }} as simulation_year,
    g.level,
    g.min_pay_cents,
    g.max_pay_cents,
    l.merit_rate_e5,
    l.new_hire_percentile_e5,
    l.termination_factor_e5,
    l.promotion_factor_e5,
    l.is_highest_level
from grown as g
inner join {{ ref('dim_job_level') }} as l
    on l.scenario_id = g.scenario_id and l.replicate_id = g.replicate_id and l.level = g.level
where g.band_year = {{ simulation_year() }}
