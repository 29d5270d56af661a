"""Generated censuses and scenarios of the retirement plan: edges of age, hire, pay and limits."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from plan_oracle_rules import LIMIT_NAMES, MATCH_TIERS, VESTING
from simulation_inputs import Person, Scenario
from simulation_strategies import rates

LEAP_DAYS = [date(1960, 2, 29), date(1964, 2, 29), date(2000, 2, 29), date(2004, 2, 29)]
LAST_NUMBER = 999
NO_END = Decimal(10**12)
MATCH = [*MATCH_TIERS, "custom", "tenure_graded", "points_graded"]
CORE = ["none", "flat", "service", "points", "integrated"]
SCHEDULES = [*VESTING, "custom"]
REQUIRED = st.sampled_from(["required", "none"])
BY_FORMULA = st.sampled_from(["by_formula", "by_formula", "required", "none"])
# 1,040 and 2,080 are those of 20 and 40 hours a week to the hour
HOURS = st.sampled_from(["1000", "1000", "0", "1040", "2080"]) | st.integers(0, 3000).map(str)

STEPS = [f"limit_step_{name}" for name in LIMIT_NAMES]

PARAMETERS = {
    "growth_rate": rates("-0.3", "0.2"),
    "termination_rate": rates("0", "0.6"),
    "first_year_termination_rate": rates("0", "0.6"),
    "cola_rate": rates("0", "0.1"),
    "eligibility_waiting_days": st.sampled_from(["0", "30", "365"]) | st.integers(0, 500).map(str),
    "eligibility_min_age": st.sampled_from(["0", "18", "21"]) | st.integers(0, 70).map(str),
    "auto_enrollment_scope": st.sampled_from(["none", "new_hires_only", "all_eligible"]),
    "auto_enrollment_days": st.sampled_from(["0", "1", "365"]) | st.integers(0, 365).map(str),
    "auto_enrollment_rate": rates("0.00001", "0.2") | st.just("1"),
    "opt_out_window_days": st.sampled_from(["1", "90"]) | st.integers(1, 90).map(str),
    "escalation_rate": st.sampled_from(["0", "0.05"]) | rates("0", "0.3"),
    "escalation_cap": rates("0", "0.3") | st.just("1"),
    "match_hours": BY_FORMULA,
    "match_min_hours": HOURS,
    "core_hours": REQUIRED,
    "core_min_hours": HOURS,
    "vesting_min_hours": HOURS,
    "vesting_full_age": st.sampled_from(["65", "0", "999"]) | st.integers(20, 70).map(str),
    "limit_index_rate": rates("0", "0.3"),
    **dict.fromkeys(STEPS, st.sampled_from(["1", "100"]) | st.integers(1, 10_000).map(str)),
}


def e5(low: str, high: str) -> st.SearchStrategy[Decimal]:
    """A rate."""
    return st.decimals(low, high, places=5)


@st.composite
def edges(draw: st.DrawFn, highest: int, least: int = 0, most: int = 2) -> list[tuple[int, int]]:
    """Bands of whole numbers from 0 on, without gap or overlap."""
    inner = sorted(draw(st.sets(st.integers(1, highest), min_size=least, max_size=most)))
    return list(zip([0, *inner], [*inner, LAST_NUMBER], strict=True))


@st.composite
def enrolment_tables(draw: st.DrawFn) -> dict[str, Any]:
    """Bands of age and of pay, and the deferral of each pair."""
    ages = draw(edges(70))
    cuts = sorted(draw(st.sets(st.integers(1, 30_000_000), max_size=2)))
    bounds = [Decimal(0), *(Decimal(cut).scaleb(-2) for cut in cuts)]
    pays = list(zip(bounds, [*bounds[1:], NO_END], strict=True))
    chance = st.sampled_from([Decimal(0), Decimal(1)]) | e5("0", "1")
    mult = e5("0", "3")
    return {
        "enrollment_age_bands": [(*band, draw(chance), draw(chance)) for band in ages],
        "enrollment_pay_bands": [(*band, draw(mult), draw(mult)) for band in pays],
        "enrollment_deferrals": [
            (age, pay, draw(e5("0", "0.4"))) for age, _ in ages for pay, _ in pays
        ],
    }


@st.composite
def match_tiers(draw: st.DrawFn, graded: bool) -> list[tuple[Any, ...]]:
    """Tiers of the deferral, for each band of a graded formula."""
    rows = []
    for band in draw(edges(110, 6, 12)) if graded else [(0, LAST_NUMBER)]:
        cuts = draw(st.sets(st.integers(1, 100_000), min_size=1, max_size=3))
        upper = [Decimal(cut).scaleb(-5) for cut in sorted(cuts)]
        for low, high in zip([Decimal(0), *upper[:-1]], upper, strict=True):
            rows.append((*band, low, high, draw(e5("0", "2") | e5("0", "10"))))
    return rows


@st.composite
def vesting_steps(draw: st.DrawFn, source: str) -> list[tuple[Any, ...]]:
    """A schedule of its own, at the end 1."""
    years = sorted(draw(st.sets(st.integers(0, 12), min_size=1, max_size=4)))
    shares = sorted(draw(e5("0", "1")) for _ in years[1:])
    return [(source, y, v) for y, v in zip(years, [*shares, Decimal(1)], strict=True)]


@st.composite
def irs_limits(draw: st.DrawFn, first_year: int) -> list[tuple[int, ...]]:
    """Limits low enough to be met; later years are estimated."""
    start = draw(st.integers(first_year - 3, first_year - 1))
    last = draw(st.integers(first_year - 1, 2025))
    return [
        (
            year,
            draw(st.integers(1, 30_000)),
            draw(st.integers(1, 8_000)),
            draw(st.integers(1, 8_000)),
            draw(st.integers(1, 400_000)),
            draw(st.integers(1, 200_000)),
            draw(st.integers(1, 40_000)),
            draw(st.integers(1, 200_000)),
        )
        for year in range(start, last + 1)
    ]


@st.composite
def plan(draw: st.DrawFn, name: str, census_date: date) -> Scenario:
    """A scenario with any plan."""
    chosen = draw(st.sets(st.sampled_from(sorted(PARAMETERS)), max_size=14))
    parameters = {p: draw(PARAMETERS[p]) for p in sorted(chosen)}
    first_year = draw(st.sampled_from([2023, 2023, 2023, 2024]))
    tables: dict[str, Any] = draw(st.just({}) | enrolment_tables())
    low, high = sorted([draw(e5("0", "1")), draw(e5("0", "1"))])
    if draw(st.booleans()):
        parameters |= {"voluntary_deferral_min": f"{low:f}", "voluntary_deferral_max": f"{high:f}"}

    formula = draw(st.sampled_from(MATCH))
    if formula not in MATCH_TIERS:
        tables["match_tiers"] = draw(match_tiers(graded=formula != "custom"))
    core = draw(st.sampled_from(CORE))
    core_rate = draw(e5("0", "0.2") | e5("0", "1"))
    excess = min(core_rate, Decimal("0.057"), draw(e5("0", "0.057")))
    if core == "points" or (core == "service" and draw(st.booleans())):
        tables["core_tiers"] = [(*band, draw(e5("0", "0.5"))) for band in draw(edges(110, 6, 12))]
    match_vesting = draw(st.sampled_from(["by_formula", "by_formula", *SCHEDULES]))
    core_vesting = draw(st.sampled_from(SCHEDULES))
    parameters |= {"match_last_day": draw(BY_FORMULA), "core_last_day": draw(REQUIRED)}
    policies = ["reduce", "expenses", "reallocate"]
    policy = draw(st.sampled_from([*policies, "reduce", "reallocate"]))
    if draw(st.sampled_from([False, False, True])):
        # So much is forfeited that those who are left have no use or no room for it
        core_vesting, core_rate = "cliff_3", max(core_rate, Decimal("0.5"))
        core = "flat" if core == "none" else core
        parameters |= {"growth_rate": "-0.6", "vesting_min_hours": "8784"}
        parameters |= {"core_hours": "none", "core_last_day": "none"}
    tables["vesting_steps"] = [
        step
        for source, schedule in (("match", match_vesting), ("core", core_vesting))
        if schedule == "custom"
        for step in draw(vesting_steps(source))
    ]
    if draw(st.booleans()):
        tables["irs_limits"] = draw(irs_limits(first_year))
        if draw(st.booleans()):
            # Small steps and fast growth, so that estimates differ to the last of their digits
            parameters |= {p: draw(st.integers(1, 20).map(str)) for p in STEPS}
            parameters["limit_index_rate"] = draw(rates("0.05", "0.5"))
    parameters |= {
        "match_formula": formula,
        "core_formula": core,
        "core_rate": f"{core_rate:f}",
        "core_excess_rate": f"{excess:f}",
        "match_vesting": match_vesting,
        "core_vesting": core_vesting,
        # A schedule of its own may be slower than the law's
        "governmental": "true" if tables["vesting_steps"] else "false",
        "forfeiture_policy": policy,
    }
    return Scenario(
        name,
        draw(st.integers(1, 3)),
        draw(st.integers(0, 99)),
        first_year=first_year,
        census_date=census_date,
        parameters=parameters,
        draws=draw(st.sampled_from([None, "baseline", "s0"])),
        **tables,
    )


@st.composite
def member(draw: st.DrawFn, number: int, census_date: date) -> Person:
    """Somebody of 14 to 75 years with any hire date, election, hours and pay."""
    birth = draw(st.dates(date(1948, 1, 1), date(2008, 1, 1)) | st.sampled_from(LEAP_DAYS))
    earliest = min(birth + timedelta(14 * 365), census_date)
    hired = draw(
        st.dates(earliest, census_date)
        | st.integers(0, 1200).map(lambda days: max(earliest, census_date - timedelta(days)))
    )
    # The limits of compensation of 2023 to 2025, and of the highly compensated in 2022
    caps = st.sampled_from([33_000_000, 34_500_000, 35_000_000, 13_500_000])
    return Person(
        f"E{number:02d}",
        birth,
        hired,
        draw(
            st.integers(1, 500_000_000)
            | st.integers(2_000_000, 40_000_000)
            | st.integers(1, 100_000)
            | st.builds(int.__add__, caps, st.integers(-1, 1))
        ),
        deferral_rate_e5=draw(
            st.sampled_from([None, None, 0, 100_000])
            | st.integers(1, 20_000)
            | st.integers(1, 100_000)
        ),
        enrollment_date=draw(st.none() | st.dates(date(1990, 1, 1), date(2026, 12, 31))),
        scheduled_hours=draw(
            st.sampled_from([Decimal(20), Decimal(40)])
            | st.decimals(15, 25, places=2)
            | st.decimals(0, 80, places=2)
        ),
        opt_out=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def plans(draw: st.DrawFn, scenarios: int) -> tuple[list[Person], list[Scenario]]:
    """One census and that many scenarios of it."""
    day = draw(st.sampled_from([date(2022, 12, 31), date(2022, 12, 31), date(2022, 2, 28)]))
    people = [draw(member(i, day)) for i in range(draw(st.integers(0, 24)))]
    return people, [draw(plan(f"s{i}", day)) for i in range(scenarios)]
