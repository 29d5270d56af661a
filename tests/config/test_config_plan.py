"""The section of the retirement plan: every key's bounds, and what must hold between the keys."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from planwise.config import Config, load_config
from planwise.config.plan import Plan
from planwise.config.plan_rules import CLIFF_3, GRADED_2_TO_6
from planwise.errors import ConfigError
from planwise.inputs import check_scenarios

DBT = Path(__file__).parents[2] / "dbt"
SAFE = "voluntary_chance: 0.5, opt_out_chance: 0.1"
MULT = "voluntary_mult: 1, opt_out_mult: 1"
LIMITS = (
    "elective: 1, catch_up_50: 1, catch_up_60_63: 1, compensation: 1, hce: 1, "
    "annual_additions: 1, ss_wage_base: 1"
)
TIERED = "plan:\n  match_formula: {formula}\n  match_tiers:\n"
SLOW = (
    "expected at every year of service what a 3-year cliff vests, or at every year what 2-to-6 "
    "graded does: it is behind the one at {} and behind the other at {} years; only a "
    "governmental plan may be slower"
)


def limits(*years: int) -> str:
    return "".join(f"  - {{limit_year: {year}, {LIMITS}}}\n" for year in years)


# YAML text, then every problem after "c.yaml:".
TABLE: dict[str, tuple[str, list[str]]] = {
    # single keys
    "automatic rate of 0": (
        "plan: {auto_enrollment_rate: 0}",
        [
            (
                "1: key plan.auto_enrollment_rate: expected a rate above 0 and up to 1, "
                "at most 5 decimals, got 0"
            )
        ],
    ),
    "percent for a fraction": (
        "plan:\n  auto_enrollment_rate: 6\n  core_rate: 3%\n",
        [
            (
                "2: key plan.auto_enrollment_rate: expected a rate above 0 and up to 1, "
                "at most 5 decimals, got 6 (6 % is written 0.06)"
            ),
            (
                "3: key plan.core_rate: expected a rate from 0 to 1, at most 5 decimals, got '3%' "
                "(1 % is written 0.01)"
            ),
        ],
    ),
    "days and hours": (
        (
            "plan:\n  eligibility_waiting_days: 3651\n  opt_out_window_days: 0\n"
            "  auto_enrollment_days: 366\n  match_min_hours: 8785\n  vesting_full_age: -1\n"
        ),
        [
            (
                "2: key plan.eligibility_waiting_days: expected a whole number from 0 to 3650, "
                "got 3651"
            ),
            "3: key plan.opt_out_window_days: expected a whole number from 1 to 90, got 0",
            "4: key plan.auto_enrollment_days: expected a whole number from 0 to 365, got 366",
            "5: key plan.match_min_hours: expected a whole number from 0 to 8784, got 8785",
            "6: key plan.vesting_full_age: expected a whole number from 0 to 999, got -1",
        ],
    ),
    "words": (
        (
            "plan:\n  match_formula: Simple\n  core_formula: 1\n  auto_enrollment_scope: "
            "everybody\n  core_vesting: by_formula\n  "
            "core_last_day: by_formula\n  forfeiture_policy: none\n"
        ),
        [
            (
                "2: key plan.match_formula: expected none, simple, tiered, stretch, qaca, custom, "
                "tenure_graded or points_graded, got 'Simple'"
            ),
            "3: key plan.core_formula: expected none, flat, service, points or integrated, got 1",
            (
                "4: key plan.auto_enrollment_scope: expected none, new_hires_only or all_eligible, "
                "got 'everybody'"
            ),
            (
                "5: key plan.core_vesting: expected immediate, cliff_1, cliff_2, cliff_3, "
                "graded_2_to_6 or custom, got 'by_formula'"
            ),
            "6: key plan.core_last_day: expected required or none, got 'by_formula'",
            "7: key plan.forfeiture_policy: expected reduce, expenses or reallocate, got 'none'",
        ],
    ),
    "a flag is no number": (
        "plan: {governmental: 1}",
        ["1: key plan.governmental: expected true or false, got 1"],
    ),
    "steps are whole": (
        "plan:\n  limit_step_hce: 0.5\n  limit_step_elective: 0\n",
        [
            (
                "2: key plan.limit_step_hce: expected an amount of money from 1 to 1,000,000, "
                "no decimals, got 0.5"
            ),
            (
                "3: key plan.limit_step_elective: expected an amount of money from 1 to 1,000,000, "
                "no decimals, got 0"
            ),
        ],
    ),
    # voluntary bounds
    "least above most": (
        "plan:\n  voluntary_deferral_min: 0.1\n  voluntary_deferral_max: 0.05\n",
        [
            (
                "2: key plan.voluntary_deferral_min: expected voluntary_deferral_max (0.05) or "
                "less, got 0.1"
            )
        ],
    ),
    # enrolment bands and their grid
    "age bands with a gap and an end": (
        (
            "plan:\n  enrollment_age_bands:\n"
            f"  - {{min_age: 0, max_age: 30, {SAFE}}}\n  - {{min_age: 31, max_age: 70, {SAFE}}}\n"
        ),
        [
            (
                "4: key plan.enrollment_age_bands[2].max_age: expected 999 (or no key) in the last "
                "band, which has no end, got 70"
            ),
            (
                "4: key plan.enrollment_age_bands[2].min_age: expected 30 (where the band before "
                "ends), got 31"
            ),
        ],
    ),
    "pay bands that overlap": (
        (
            "plan:\n  enrollment_pay_bands:\n"
            f"  - {{min_pay: 0, max_pay: 50000.5, {MULT}}}\n"
            f"  - {{min_pay: 50000, max_pay: 9e4, {MULT}}}\n"
        ),
        [
            (
                "4: key plan.enrollment_pay_bands[2].max_pay: expected no key in the last band, "
                "which has no end, got 90000"
            ),
            (
                "4: key plan.enrollment_pay_bands[2].min_pay: expected 50000.5 (where the band "
                "before ends), got 50000"
            ),
        ],
    ),
    "chance above 1": (
        (
            "plan:\n  enrollment_age_bands:\n"
            "  - {min_age: 0, voluntary_chance: 1.1, opt_out_chance: 0}\n"
        ),
        [
            (
                "3: key plan.enrollment_age_bands[1].voluntary_chance: expected a rate from 0 to "
                "1, at most 5 decimals, got 1.1 (1.1 % is written 0.011)"
            )
        ],
    ),
    "grid with a hole, a stranger and a twin": (
        (
            "plan:\n  enrollment_age_bands:\n"
            f"  - {{min_age: 0, max_age: 40, {SAFE}}}\n  - {{min_age: 40, {SAFE}}}\n"
            f"  enrollment_pay_bands:\n  - {{min_pay: 0, max_pay: 5, {MULT}}}\n"
            f"  - {{min_pay: 5, {MULT}}}\n  enrollment_deferrals:\n"
            "  - {min_age: 0, min_pay: 0, deferral_rate: 0.1}\n"
            "  - {min_age: 40, min_pay: 0, deferral_rate: 0.1}\n"
            "  - {min_age: 39, min_pay: 5, deferral_rate: 0.1}\n"
        ),
        [
            (
                "8: key plan.enrollment_deferrals: expected a row for every pair of an age band "
                "and a pay band, but there is none for min_age 0 and min_pay 5 and 1 more"
            ),
            (
                "11: key plan.enrollment_deferrals[3].min_age: expected where a band begins (0, "
                "40), got 39"
            ),
        ],
    ),
    "pair twice": (
        (
            "plan:\n  enrollment_deferrals:\n"
            "  - {min_age: 0, min_pay: 0, deferral_rate: 0.1}\n"
            "  - {min_age: 0, min_pay: 0.00, deferral_rate: 0.2}\n"
        ),
        [
            (
                "4: key plan.enrollment_deferrals[2]: expected each pair of bands once, got "
                "min_age 0 and min_pay 0.00 again"
            )
        ],
    ),
    # match tiers
    "tiers with a gap": (
        TIERED.format(formula="custom") + "  - {tier_from: 0, tier_to: 0.03, match_rate: 1}\n"
        "  - {tier_from: 0.04, tier_to: 0.05, match_rate: 0.5}\n",
        [
            (
                "5: key plan.match_tiers[2].tier_from: expected 0.03 (where the tier before ends), "
                "got 0.04"
            )
        ],
    ),
    "tiers that overlap, upside down, late": (
        TIERED.format(formula="tenure_graded")
        + "  - {band_max: 5, tier_from: 0.01, tier_to: 0.05, match_rate: 1}\n"
        "  - {band_max: 5, tier_from: 0.04, tier_to: 0.02, match_rate: 1}\n"
        "  - {band_min: 5, tier_from: 0.02, tier_to: 0.05, match_rate: 1}\n",
        [
            (
                "4: key plan.match_tiers[1].tier_from: expected 0 (where a first tier starts), "
                "got 0.01"
            ),
            (
                "5: key plan.match_tiers[2].tier_from: expected 0.05 (where the tier before ends), "
                "got 0.04"
            ),
            "5: key plan.match_tiers[2].tier_to: expected more than 0.04, got 0.02",
            (
                "6: key plan.match_tiers[3].tier_from: expected 0 (where a first tier starts), "
                "got 0.02"
            ),
        ],
    ),
    "bands of tiers with gap, two ends, an end": (
        TIERED.format(formula="points_graded")
        + "  - {band_min: 1, band_max: 40, tier_from: 0, tier_to: 0.05, match_rate: 1}\n"
        "  - {band_min: 41, band_max: 60, tier_from: 0, tier_to: 0.02, match_rate: 1}\n"
        "  - {band_min: 41, band_max: 70, tier_from: 0.02, tier_to: 0.05, match_rate: 1}\n",
        [
            (
                "4: key plan.match_tiers[1].band_min: expected 0 (since the first band starts at "
                "0), got 1"
            ),
            "5: key plan.match_tiers[2].band_min: expected 40 (where the band before ends), got 41",
            (
                "6: key plan.match_tiers[3].band_max: expected 60 (as the tier before, of the same "
                "band), got 70"
            ),
        ],
    ),
    "empty band of tiers": (
        TIERED.format(formula="points_graded")
        + "  - {band_min: 0, band_max: 40, tier_from: 0, tier_to: 0.05, match_rate: 1}\n"
        "  - {band_min: 40, band_max: 40, tier_from: 0, tier_to: 0.02, match_rate: 1}\n"
        "  - {band_min: 41, tier_from: 0, tier_to: 0.05, match_rate: 1}\n",
        [
            "5: key plan.match_tiers[2].band_max: expected more than 40, got 40",
            "6: key plan.match_tiers[3].band_min: expected 40 (where the band before ends), got 41",
        ],
    ),
    "tier above all pay": (
        TIERED.format(formula="custom") + "  - {tier_from: 0, tier_to: 1.5, match_rate: 1}\n",
        [
            (
                "4: key plan.match_tiers[1].tier_to: expected a rate above 0 and up to 1, at most "
                "5 decimals, got 1.5 (1.5 % is written 0.015)"
            )
        ],
    ),
    "custom has no bands": (
        TIERED.format(formula="custom")
        + "  - {band_max: 5, tier_from: 0, tier_to: 0.03, match_rate: 1}\n"
        "  - {band_min: 5, tier_from: 0, tier_to: 0.03, match_rate: 1}\n",
        [
            (
                "4: key plan.match_tiers[1].band_max: expected 999 (or no key), since custom has "
                "no bands, got 5"
            )
        ],
    ),
    "tiers that nobody reads": (
        TIERED.format(formula="tiered") + "  - {tier_from: 0, tier_to: 0.03, match_rate: 1}\n",
        [
            (
                "3: key plan.match_tiers: expected no table here, since match_formula is tiered; "
                "custom, tenure_graded and points_graded take one"
            )
        ],
    ),
    "tiers without a formula": (
        "plan:\n  match_tiers:\n  - {tier_from: 0, tier_to: 0.03, match_rate: 1}\n",
        [
            (
                "2: key plan.match_tiers: expected no table here, since match_formula is left to "
                "its default; custom, tenure_graded and points_graded take one"
            )
        ],
    ),
    "formulas without tiers": (
        "plan:\n  match_formula: points_graded\n  core_formula: points\n",
        [
            (
                "2: key plan.match_formula: expected the table match_tiers beside it, which "
                "points_graded needs, but the key is missing"
            ),
            (
                "3: key plan.core_formula: expected the table core_tiers beside it, which points "
                "needs, but the key is missing"
            ),
        ],
    ),
    # core
    "core tiers that nobody reads": (
        "plan:\n  core_formula: flat\n  core_tiers: [{band_min: 0, core_rate: 0.01}]\n",
        [
            (
                "3: key plan.core_tiers: expected no table here, since core_formula is flat; "
                "service and points take one"
            )
        ],
    ),
    "core tiers with an overlap": (
        (
            "plan:\n  core_formula: service\n  core_tiers:\n"
            "  - {band_min: 0, band_max: 5, core_rate: 0.01}\n  - {band_min: 4, core_rate: 0.02}\n"
        ),
        ["5: key plan.core_tiers[2].band_min: expected 5 (where the band before ends), got 4"],
    ),
    "excess above the base": (
        "plan:\n  core_formula: integrated\n  core_rate: 0.02\n  core_excess_rate: 0.03\n",
        [
            (
                "4: key plan.core_excess_rate: expected core_rate (0.02) or less with core_formula "
                "integrated, got 0.03"
            )
        ],
    ),
    "excess above the law": (
        "plan:\n  core_formula: integrated\n  core_rate: 0.08\n  core_excess_rate: 0.0571\n",
        [
            (
                "4: key plan.core_excess_rate: expected 0.057 or less with core_formula "
                "integrated, got 0.0571"
            )
        ],
    ),
    # vesting
    "steps that nobody reads, and a schedule without": (
        (
            "plan:\n  match_vesting: custom\n  vesting_steps:\n"
            "  - {money_source: core, service_years: 3, vested: 1}\n"
        ),
        [
            (
                "2: key plan.match_vesting: expected steps of match in vesting_steps, which custom "
                "needs, but there are none"
            ),
            (
                "4: key plan.vesting_steps[1]: expected no steps of core, since core_vesting is "
                "left to its default and only custom takes them"
            ),
        ],
    ),
    "years that do not rise, shares that fall, no end": (
        (
            "plan:\n  match_vesting: custom\n  vesting_steps:\n"
            "  - {money_source: match, service_years: 1, vested: 0.5}\n"
            "  - {money_source: match, service_years: 1, vested: 0.4}\n"
            "  - {money_source: match, service_years: 3, vested: 0.9}\n"
        ),
        [
            (
                "5: key plan.vesting_steps[2].service_years: expected more than 1, as in the step "
                "before, got 1"
            ),
            (
                "5: key plan.vesting_steps[2].vested: expected 0.5 or more, as in the step before, "
                "got 0.4"
            ),
            "6: key plan.vesting_steps[3].vested: expected 1 in the last step of match, got 0.9",
        ],
    ),
    "a four-year cliff": (
        (
            "plan:\n  core_vesting: custom\n  vesting_steps:\n"
            "  - {money_source: core, service_years: 4, vested: 1}\n"
        ),
        ["4: key plan.vesting_steps[1]: " + SLOW.format(3, 2)],
    ),
    "neither the one nor the other": (
        (
            "plan:\n  governmental: false\n  match_vesting: custom\n  vesting_steps:\n"
            "  - {money_source: match, service_years: 2, vested: 0.2}\n"
            "  - {money_source: match, service_years: 3, vested: 0.99}\n"
            "  - {money_source: match, service_years: 6, vested: 0.99999}\n"
            "  - {money_source: match, service_years: 7, vested: 1}\n"
        ),
        ["5: key plan.vesting_steps[1]: " + SLOW.format(3, 6)],
    ),
    "unknown source": (
        (
            "plan:\n  core_vesting: custom\n  vesting_steps:\n"
            "  - {money_source: pension, service_years: 1, vested: 1}\n"
        ),
        ["4: key plan.vesting_steps[1].money_source: expected match or core, got 'pension'"],
    ),
    # limits
    "a year is missing": (
        f"plan:\n  irs_limits:\n{limits(2018, 2019, 2021)}",
        ["5: key plan.irs_limits[3].limit_year: expected 2020 (2020 is missing), got 2021"],
    ),
    "years backwards and twice": (
        f"plan:\n  irs_limits:\n{limits(2018, 2018, 2017)}",
        [
            (
                "4: key plan.irs_limits[2].limit_year: expected 2019 (the years count up by one), "
                "got 2018"
            ),
            (
                "5: key plan.irs_limits[3].limit_year: expected 2019 (the years count up by one), "
                "got 2017"
            ),
        ],
    ),
    "limits of cents and of nothing": (
        f"plan:\n  irs_limits:\n{limits(2018)}".replace("hce: 1", "hce: 1.5").replace(
            "elective: 1", "elective: 0"
        ),
        [
            (
                "3: key plan.irs_limits[1].elective: expected an amount of money from 1 to "
                "500,000,000, no decimals, got 0"
            ),
            (
                "3: key plan.irs_limits[1].hce: expected an amount of money from 1 to 500,000,000, "
                "no decimals, got 1.5 (it is not rounded in silence)"
            ),
        ],
    ),
}

# YAML text, then every problem that only the project's defaults can tell.
WITH_DEFAULTS: dict[str, tuple[str, list[str]]] = {
    "least above the default most": (
        "plan: {voluntary_deferral_min: 0.16}",
        [
            (
                "1: key plan.voluntary_deferral_min: expected voluntary_deferral_max (0.15) or "
                "less, got 0.16"
            )
        ],
    ),
    "most below the default least": (
        "\nplan: {voluntary_deferral_max: 0.005}",
        [
            (
                "2: key plan.voluntary_deferral_max: expected voluntary_deferral_min (0.01) or "
                "more, got 0.005"
            )
        ],
    ),
    "base below the default excess": (
        "plan:\n  core_formula: integrated\n  core_rate: 0.005\n",
        [
            (
                "3: key plan.core_rate: expected core_excess_rate (0.01) or more with core_formula "
                "integrated, got 0.005"
            )
        ],
    ),
    "excess above the default base": (
        "plan:\n  core_formula: integrated\n  core_excess_rate: 0.02\n",
        [
            (
                "3: key plan.core_excess_rate: expected core_rate (0.01) or less with core_formula "
                "integrated, got 0.02"
            )
        ],
    ),
    "bands without their deferrals": (
        f"plan:\n  enrollment_age_bands: [{{min_age: 0, {SAFE}}}]\n",
        [
            (
                "2: key plan.enrollment_age_bands: expected the table enrollment_deferrals beside "
                "it, with a row for every pair of these "
                "bands: the default table is for the default bands"
            )
        ],
    ),
    "deferrals without their bands": (
        "plan:\n  enrollment_deferrals: [{min_age: 0, min_pay: 0, deferral_rate: 0.1}]\n",
        [
            (
                "2: key plan.enrollment_deferrals: expected a row for every pair of an age band "
                "and a pay band, but there is none for min_age 0 and min_pay 50000.00 and 14 more"
            )
        ],
    ),
    "first year before the default limits": (
        "simulation: {start_year: 2018}",
        [
            (
                "1: key plan.irs_limits: expected a table that begins in 2017 or earlier, since "
                "the first simulation year is 2018 and needs the limits of 2017 too (c.yaml: "
                "simulation.start_year), but the key is missing and the default table begins in "
                "2018; give plan.irs_limits, or start in 2019 or later"
            )
        ],
    ),
    "first year before one's own limits": (
        f"plan:\n  irs_limits:\n{limits(2025, 2026)}",
        [
            (
                "3: key plan.irs_limits[1].limit_year: expected 2024 or earlier (since the first "
                "simulation year is 2025 and needs the limits of 2024 too; default), got 2025"
            )
        ],
    ),
}


def config_of(text: str, folder: Path) -> Config:
    (folder / "c.yaml").write_text(text)
    return load_config(Path("c.yaml"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", TABLE)
def test_every_problem_is_told(name: str, here: Path) -> None:
    text, expected = TABLE[name]
    with pytest.raises(ConfigError) as caught:
        config_of(text, here)
    assert list(caught.value.problems) == [f"c.yaml:{problem}" for problem in expected]


@pytest.mark.parametrize("name", WITH_DEFAULTS)
def test_every_problem_with_a_default_is_told(name: str, here: Path) -> None:
    text, expected = WITH_DEFAULTS[name]
    config = config_of(text, here)
    with pytest.raises(ConfigError) as caught:
        check_scenarios([config], DBT)
    assert list(caught.value.problems) == [f"c.yaml:{problem}" for problem in expected]


def test_a_first_year_of_the_command_line_is_checked_too() -> None:
    config = Config().with_overrides(years=[2015])
    with pytest.raises(ConfigError) as caught:
        check_scenarios([config], DBT)
    [problem] = caught.value.problems
    assert problem.startswith("key plan.irs_limits: expected a table that begins in 2014")
    assert "(command line)" in problem
    assert check_scenarios([Config().with_overrides(years=[2019])], DBT) == ()


def test_limits_of_ones_own_open_earlier_years(here: Path) -> None:
    text = f"simulation: {{start_year: 1990}}\nplan:\n  irs_limits:\n{limits(1989, 1990)}"
    assert check_scenarios([config_of(text, here)], DBT) == ()


def test_another_project_has_no_plan_to_check(here: Path) -> None:
    assert check_scenarios([Config().with_overrides(years=[1950])], here) == ()


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("plan: {match_formula: qaca}", "0.02"),
        ("plan: {match_formula: qaca, auto_enrollment_rate: 0.02999}", "0.02999"),
        ("plan: {match_formula: qaca, auto_enrollment_rate: 0.03}", None),
        ("plan: {match_formula: tiered, auto_enrollment_rate: 0.01}", None),
        ("{}", None),
    ],
)
def test_a_qualified_arrangement_below_3_percent_is_a_warning(
    here: Path, text: str, warned: str | None
) -> None:
    config = config_of(text, here)
    expected = (
        f"plan.match_formula is qaca and plan.auto_enrollment_rate is {warned}: a qualified "
        "automatic arrangement starts at 0.03 or more"
    )
    assert check_scenarios([config], DBT) == ((expected,) if warned else ())
    both = check_scenarios([config, config.with_overrides(scenario="other")], DBT)
    assert both == (
        (f"scenario baseline: {expected}", f"scenario other: {expected}") if warned else ()
    )


def test_the_defaults_need_no_table() -> None:
    """A table is judged beside a word that is left out: the default word is one that takes none."""
    from planwise.config.plan_rules import TAKES_CORE_TIERS, WITH_MATCH_TIERS
    from planwise.scenarios import read_default_parameters

    defaults = {row.parameter: row.value for row in read_default_parameters(DBT)}
    assert defaults["match_formula"] not in WITH_MATCH_TIERS
    assert defaults["core_formula"] not in TAKES_CORE_TIERS
    assert "custom" not in (defaults["match_vesting"], defaults["core_vesting"])
    assert defaults["governmental"] == "false"


def test_a_slow_schedule_is_for_governments(here: Path) -> None:
    steps = "  vesting_steps: [{money_source: core, service_years: 9, vested: 1}]\n"
    config = config_of(f"plan:\n  governmental: true\n  core_vesting: custom\n{steps}", here)
    assert config.plan.vesting_steps is not None


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 8), st.integers(0, 10), min_size=1, max_size=6).map(
        lambda steps: {year: Decimal(steps[year]) / 10 for year in sorted(steps)}
    )
)
def test_what_the_law_allows_is_taken_and_nothing_slower(steps: dict[int, Decimal]) -> None:
    """Year by year, against the two schedules of the law written out."""
    shares = sorted(steps.values())
    vested = dict(zip(steps, [*shares[:-1], Decimal(1)], strict=True))
    rows = [
        {"money_source": "match", "service_years": year, "vested": share}
        for year, share in vested.items()
    ]

    def at(schedule: dict[int, Decimal], year: int) -> Decimal:
        return next((schedule[each] for each in range(year, -1, -1) if each in schedule), Decimal())

    allowed = any(
        all(at(vested, year) >= at(dict(law), year) for year in range(100))
        for law in (CLIFF_3, GRADED_2_TO_6)
    )
    given = {"match_vesting": "custom", "vesting_steps": rows}
    if allowed:
        assert Plan.model_validate(given).vesting_steps is not None
    else:
        with pytest.raises(ValidationError) as caught:
            Plan.model_validate(given)
        assert "slower" in str(caught.value.errors())
    assert Plan.model_validate({**given, "governmental": True}).governmental


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 998), max_size=6, unique=True),
    st.lists(st.integers(1, 100_000), min_size=1, max_size=6, unique=True),
)
def test_tiers_side_by_side_are_taken(bands: list[int], tiers: list[int]) -> None:
    edges = [0, *sorted(bands), 999]
    shares = [Decimal(tier).scaleb(-5) for tier in (0, *sorted(tiers))]
    rows = [
        {"band_min": low, "band_max": high, "tier_from": a, "tier_to": b, "match_rate": 0}
        for low, high in itertools.pairwise(edges)
        for a, b in itertools.pairwise(shares)
    ]
    plan = Plan.model_validate({"match_formula": "points_graded", "match_tiers": rows})
    assert [row.model_dump() for row in plan.match_tiers or ()] == rows
    if len(rows) > 1:
        with pytest.raises(ValueError, match="validation error"):
            Plan.model_validate({"match_formula": "points_graded", "match_tiers": rows[::-1]})
        with pytest.raises(ValueError, match="validation error"):
            Plan.model_validate({"match_formula": "points_graded", "match_tiers": rows[1:]})
