"""Scenario files: laid over the configuration key by key, and never out of their folder."""

from __future__ import annotations

import os
import string
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.config import Config, load_config, load_scenario, load_scenarios, scenario_names
from planwise.config.scenario_folder import stray_files
from planwise.errors import ConfigError, UsageError
from planwise.inputs import check_scenarios

ROOT = Path(__file__).parents[2]
NAME_RULE = "of 1 to 64 characters: a-z, 0-9, _ and -, starting with a letter or digit"
SECTIONS = "description, simulation, workforce, compensation, plan"

BASE = """
simulation: {seed: 7, start_year: 2030, end_year: 2031}
census: {pay_floor: 1}
workforce:
  growth_rate: 0.02
  hire_ages: {22: 0.6, 30: 0.4}
plan:
  auto_enrollment_rate: 0.04
  match_formula: custom
  match_tiers:
  - {tier_from: 0, tier_to: 0.03, match_rate: 1}
  match_vesting: custom
  core_formula: points
  core_tiers:
  - {band_min: 0, core_rate: 0.02}
  core_vesting: custom
  vesting_steps:
  - {money_source: match, service_years: 3, vested: 1}
  - {money_source: core, service_years: 2, vested: 1}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the scenario files; c/base.yaml is the configuration."""
    monkeypatch.chdir(tmp_path)
    scenarios = tmp_path / "c" / "scenarios"
    scenarios.mkdir(parents=True)
    (tmp_path / "c" / "base.yaml").write_text(BASE)
    return scenarios


def base() -> Config:
    return load_config(Path("c/base.yaml"))


def scenario(folder: Path, text: str, name: str = "a") -> Config:
    (folder / f"{name}.yaml").write_text(text)
    return load_scenario(base(), name)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        scenario(folder, text)
    assert caught.value.exit_code == 1
    return list(caught.value.problems)


# What a good file gives


def test_a_file_wins_and_the_rest_is_inherited(folder: Path) -> None:
    got = scenario(
        folder,
        "description: |\n  More people,\n  and a raise.\n"
        "workforce: {growth_rate: 0.05, hire_ages: {40: 1}}\n"
        "compensation: {cola_rate: 0.03}\n",
    )
    before = base()
    assert got.description == "More people, and a raise."
    assert got.simulation.scenario == "a"
    assert got.workforce.growth_rate == Decimal("0.05")
    assert got.workforce.hire_ages == {40: 1}  # a table as a whole
    assert got.compensation.cola_rate == Decimal("0.03")
    assert got.plan == before.plan
    assert got.census == before.census
    assert (got.years, got.simulation.seed) == (before.years, 7)
    assert (got.path, got.scenario_file) == (Path("c/base.yaml"), Path("c/scenarios/a.yaml"))
    assert before.scenario_file is None


def test_sources_name_the_file_that_a_value_is_from(folder: Path) -> None:
    got = scenario(folder, "plan: {match_formula: stretch}\nsimulation: {seed: 3}\n")
    assert got.source("plan.match_formula") == "c/scenarios/a.yaml: plan.match_formula"
    assert got.source("simulation.seed") == "c/scenarios/a.yaml: simulation.seed"
    assert got.source("plan.auto_enrollment_rate") == "c/base.yaml: plan.auto_enrollment_rate"
    assert got.source("plan.match_tiers") == "default"  # dropped with the formula
    assert got.source("plan.escalation_rate") == "default"


def test_draws_are_those_of_the_base_unless_the_file_says_otherwise(folder: Path) -> None:
    assert base().draws == "baseline"
    assert base().simulation.draws is None
    assert scenario(folder, "{}").draws == "baseline"
    assert scenario(folder, "simulation: {draws: a}").draws == "a"
    (folder.parent / "base.yaml").write_text("simulation: {scenario: plan-0, draws: theirs}")
    got = scenario(folder, "simulation:\n")
    assert (got.draws, got.source("simulation.draws")) == (
        "theirs",
        "c/base.yaml: simulation.draws",
    )


def test_another_word_drops_the_table_that_belonged_to_it(folder: Path) -> None:
    got = scenario(folder, "plan: {match_formula: simple, core_vesting: cliff_1}")
    assert got.plan.match_tiers is None
    assert got.plan.core_tiers is not None
    assert [step.money_source for step in got.plan.vesting_steps or ()] == ["match"]
    got = scenario(folder, "plan: {core_formula: none, match_vesting: immediate}")
    assert got.plan.core_tiers is None
    assert got.plan.match_tiers is not None
    assert [step.money_source for step in got.plan.vesting_steps or ()] == ["core"]
    got = scenario(folder, "plan: {match_vesting: immediate, core_vesting: graded_2_to_6}")
    assert got.plan.vesting_steps is None
    # The same word keeps it, and a table of one's own takes its place.
    same = "plan: {match_formula: custom, core_formula: points, match_vesting: custom}"
    assert scenario(folder, same).plan == base().plan
    own = "plan: {match_tiers: [{tier_from: 0, tier_to: 0.01, match_rate: 2}]}"
    assert [tier.match_rate for tier in scenario(folder, own).plan.match_tiers or ()] == [2]


def test_a_file_may_change_nothing(folder: Path) -> None:
    for text in ("# nothing yet\n", "{}", "plan:\nworkforce:\nsimulation:\n"):
        got = scenario(folder, text)
        assert (got.workforce, got.plan) == (base().workforce, base().plan)
        assert got.simulation.scenario == "a"


def test_the_base_is_a_scenario_too(folder: Path) -> None:
    assert load_scenario(base(), "baseline") == base()
    assert load_scenarios(base(), ()) == (base(),)
    scenario(folder, "{}", "b")
    names = [config.simulation.scenario for config in load_scenarios(base(), ("b", "baseline"))]
    assert names == ["b", "baseline"]


def test_without_a_configuration_they_are_in_the_usual_place(folder: Path) -> None:
    (folder.parent).rename("config")
    Path("config/scenarios/a.yaml").write_text("workforce: {growth_rate: 0.5}")
    config = load_config(None)
    assert scenario_names(config) == ("baseline", "a")
    got = load_scenario(config, "a")
    assert got.workforce.growth_rate == Decimal("0.5")
    assert got.source("workforce.growth_rate") == "config/scenarios/a.yaml: workforce.growth_rate"
    Path("config/scenarios/a.yaml").write_text("plan: {match_formula: custom}")
    with pytest.raises(ConfigError, match="the table match_tiers beside it"):
        load_scenario(config, "a")


def test_the_command_line_wins_over_the_file(folder: Path) -> None:
    got = scenario(folder, "simulation: {seed: 3}").with_overrides(seed=9, years=[2026])
    assert (got.simulation.seed, got.simulation.scenario, got.draws) == (9, "a", "baseline")
    assert list(got.years) == [2026]


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "scenarios").iterdir()))
def test_every_scenario_that_comes_with_planwise_is_right(path: Path) -> None:
    config = load_config(ROOT / "config" / "simulation_config.yaml")
    got = load_scenario(config, path.stem)
    assert got.description
    assert got.draws == "baseline"
    assert (got.plan, got.workforce, got.compensation) != (
        config.plan,
        config.workforce,
        config.compensation,
    )
    assert check_scenarios([got], ROOT / "dbt") == ()


# Properties of the merge

RATES = st.decimals("0.001", 1, places=5).map(lambda rate: f"{rate:f}")
VALUES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "workforce": {
        "growth_rate": RATES,
        "termination_rate": RATES,
        "promotion_min_tenure": st.integers(0, 99),
        "hire_level_shares": st.sampled_from(["census", "current"]),
        "hire_ages": st.sampled_from(["{30: 1}", "{20: 0.5, 60: 0.5}"]),
    },
    "compensation": {
        "cola_rate": RATES,
        "raise_months": st.sampled_from(["{1: 1}", "{2: 0.25, 7: 0.75}"]),
    },
    "plan": {
        "escalation_rate": RATES,
        "governmental": st.sampled_from(["true", "false"]),
        "match_hours": st.sampled_from(["by_formula", "required", "none"]),
        "forfeiture_policy": st.sampled_from(["reduce", "expenses", "reallocate"]),
        "core_min_hours": st.integers(0, 8784),
    },
}
FILES = st.fixed_dictionaries(
    {},
    optional={
        section: st.fixed_dictionaries({}, optional=keys) for section, keys in VALUES.items()
    },
)


def written(content: dict[str, dict[str, Any]]) -> str:
    lines = ["{}"] if not content else []
    for section, keys in content.items():
        lines += [f"{section}:", *(f"  {key}: {value}" for key, value in keys.items())]
    return "\n".join(lines)


@settings(max_examples=60, deadline=None)
@given(FILES, FILES)
def test_the_file_wins_over_the_base_and_nothing_else_changes(
    tmp_path_factory, below: dict[str, dict[str, Any]], above: dict[str, dict[str, Any]]
) -> None:
    home = tmp_path_factory.getbasetemp() / "merge"
    (home / "scenarios").mkdir(parents=True, exist_ok=True)
    path, file = home / "base.yaml", home / "scenarios" / "x.yaml"
    path.write_text(written(below))
    file.write_text(written(above))
    config = load_config(path)
    got = load_scenario(config, "x")
    # What the two files say together, read as one configuration.
    both = {
        section: {**below.get(section, {}), **above.get(section, {})}
        for section in {**below, **above}
    }
    whole = home / "whole.yaml"
    whole.write_text(written(both))
    expected = load_config(whole)
    for section, keys in VALUES.items():
        assert getattr(got, section) == getattr(expected, section)
        for key in keys:
            place = f"{section}.{key}"
            above_it = key in above.get(section, {})
            origin = file if above_it else path if key in below.get(section, {}) else None
            assert got.source(place) == (f"{origin}: {place}" if origin else "default")
    kept = ("census", "plugins", "performance", "environment", "years", "path")
    assert all(getattr(got, name) == getattr(config, name) for name in kept)
    # And the configuration itself is as it was.
    assert config == load_config(path)


# Files that are wrong


def test_the_file_is_named_with_line_key_and_mend(folder: Path) -> None:
    assert problems(
        folder,
        "descripton: x\ncensus: {pay_floor: 2}\nzzz: 1\n"
        "simulation: {start_year: 2020, scenario: b, sed: 1}\n"
        "workforce:\n  growth_rate: 5%\n  growth_rate: 0.1\nplan: {match: simple}\n",
    ) == [
        (
            f"c/scenarios/a.yaml:1: key descripton: expected one of {SECTIONS} in a scenario file, "
            "got descripton; did you mean description?"
        ),
        (
            f"c/scenarios/a.yaml:2: key census: expected one of {SECTIONS} in a scenario file, got "
            "census; it is the same for every scenario and stands in the configuration file"
        ),
        (f"c/scenarios/a.yaml:3: key zzz: expected one of {SECTIONS} in a scenario file, got zzz"),
        (
            "c/scenarios/a.yaml:4: key simulation.scenario: expected seed or draws in a scenario "
            "file, got scenario; a scenario is named after its file"
        ),
        (
            "c/scenarios/a.yaml:4: key simulation.sed: expected a known key, got sed; "
            "did you mean seed?"
        ),
        (
            "c/scenarios/a.yaml:4: key simulation.start_year: expected seed or draws in a scenario "
            "file, got start_year; the years are those of the configuration for every scenario"
        ),
        (
            "c/scenarios/a.yaml:6: key workforce.growth_rate: expected a rate above -1 and up to "
            "10, at most 5 decimals, got '5%' (1 % is written 0.01)"
        ),
        (
            "c/scenarios/a.yaml:7: key workforce.growth_rate: expected once, got it again "
            "(first on line 6)"
        ),
        (
            "c/scenarios/a.yaml:8: key plan.match: expected a known key, got match; "
            "see docs/configuration.md"
        ),
    ]


def test_the_two_together_are_checked(folder: Path) -> None:
    # Taken from the base, and wrong beside what the file says.
    [problem] = problems(folder, "plan:\n  core_formula: points\n  match_formula: points_graded\n")
    assert problem == (
        "c/scenarios/a.yaml:3: key plan.match_formula: expected the table match_tiers beside it, "
        "which points_graded needs, but the key is missing"
    )
    (folder.parent / "base.yaml").write_text(
        "plan:\n  core_formula: integrated\n  core_rate: 0.05\n  core_excess_rate: 0.04\n"
    )
    [problem] = problems(folder, "\nplan:\n  core_rate: 0.03\n")
    assert problem == (
        "c/scenarios/a.yaml:2: key plan.core_excess_rate: expected core_rate (0.03) or less with "
        "core_formula integrated, got 0.04 (inherited from c/base.yaml:4)"
    )


def test_an_inherited_row_is_named_where_it_stands(folder: Path) -> None:
    text = BASE.replace("service_years: 2, vested", "service_years: 9, vested")
    text = text.replace("plan:\n", "plan:\n  governmental: true\n")
    (folder.parent / "base.yaml").write_text(text)
    [problem] = problems(folder, "plan: {match_vesting: immediate, governmental: false}")
    assert problem.startswith("c/scenarios/a.yaml:1: key plan.vesting_steps[1]: expected at every")
    place = text.splitlines().index("  - {money_source: core, service_years: 9, vested: 1}") + 1
    assert problem.endswith(f"(inherited from c/base.yaml:{place})")


def test_defaults_are_checked_with_the_place_in_the_file(folder: Path) -> None:
    got = scenario(folder, "\n\nplan: {voluntary_deferral_max: 0.001}")
    with pytest.raises(ConfigError) as caught:
        check_scenarios([base(), got], ROOT / "dbt")
    [problem] = caught.value.problems
    assert problem.startswith("c/scenarios/a.yaml:3: key plan.voluntary_deferral_max: expected")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "c/scenarios/a.yaml: the file is empty"),
        (b"\xff\xfe", "c/scenarios/a.yaml:1: not UTF-8 text"),
        (b"- 1", "c/scenarios/a.yaml:1: expected a mapping"),
        (b"plan: {", "c/scenarios/a.yaml:1: not valid YAML"),
        (b"a: &x 1", "anchors and aliases are not taken"),
        (b"#" * (2**20 + 1), "c/scenarios/a.yaml: larger than 1 MiB"),
        (b"plan: [1]", "c/scenarios/a.yaml:1: key plan: expected a mapping (key: value), got a l"),
        (b"simulation: 3", "key simulation: expected a mapping (key: value), got 3"),
        (b"description: 3", "key description: expected text of 1 to 1000 printable characters"),
        (b'description: "a\\u001b[31m"', "key description: expected text"),
        (b"description: '" + b"x" * 1001 + b"'", "key description: expected text"),
        (b"simulation: {draws: ../x}", f"key simulation.draws: expected a name {NAME_RULE}"),
        (b"simulation: {seed: -1}", "key simulation.seed: expected a whole number from 0"),
        (b"plan: {match_tiers: }", "key plan.match_tiers: expected a list of 1 to 500"),
    ],
)
def test_what_is_no_scenario_file(folder: Path, content: bytes, message: str) -> None:
    (folder / "a.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_scenario(base(), "a")
    assert message in caught.value.problems[0]
    assert caught.value.problems[0].isprintable()
    assert len(caught.value.problems[0]) < 400


# Names


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "a.yaml", "", "A", "x\0", "-a", "a/b", "a" * 65, "..", "ä", "a b"],
)
def test_a_name_is_no_path(folder: Path, name: str) -> None:
    (folder / "a.yaml").write_text("{}")
    (folder.parent / "x.yaml").write_text("{}")
    with pytest.raises(UsageError) as caught:
        load_scenario(base(), name)
    text = str(caught.value)
    assert f"expected a name {NAME_RULE}; it is that of a file in c/scenarios" in text
    assert text.isprintable()
    assert text.endswith("; did you mean a?") == (name == "a.yaml")


@settings(max_examples=100, deadline=None)
@given(st.text(string.printable + "äß\0\u202e", max_size=80))
def test_any_text_is_a_name_or_a_usage_error(tmp_path_factory, name: str) -> None:
    config = attrs.evolve(Config(), path=tmp_path_factory.getbasetemp() / "none" / "c.yaml")
    if name == "baseline":
        assert load_scenario(config, name) is config
        return
    with pytest.raises(UsageError) as caught:
        load_scenario(config, name)
    assert str(caught.value).isprintable()


def test_an_unknown_name(folder: Path) -> None:
    for name in ("stretch", "safe_harbor"):
        (folder / f"{name}.yaml").write_text("{}")
    (folder / "notes.txt").write_text("no scenario")
    with pytest.raises(UsageError) as caught:
        load_scenario(base(), "strech")
    assert str(caught.value) == (
        "there is no scenario strech: no file c/scenarios/strech.yaml; did you mean stretch?"
    )
    with pytest.raises(UsageError, match=r"known: baseline, safe_harbor, stretch$"):
        load_scenario(base(), "zzz")
    folder.rename(folder.parent / "elsewhere")
    with pytest.raises(UsageError, match=r"known: baseline$"):
        load_scenario(base(), "zzz")
    folder.write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="c/scenarios: cannot be read"):
        scenario_names(base())


def test_a_scenario_is_asked_for_once(folder: Path) -> None:
    (folder / "a.yaml").write_text("{}")
    with pytest.raises(UsageError, match="scenario a is asked for twice"):
        load_scenarios(base(), ("a", "baseline", "a"))


def test_the_problems_of_all_files_are_told_at_once(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text("x: 1")
    with pytest.raises(ConfigError) as caught:
        load_scenarios(base(), ("a", "baseline", "b"))
    assert [problem[:20] for problem in caught.value.problems] == [
        "c/scenarios/a.yaml:1",
        "c/scenarios/b.yaml:1",
    ]


def test_links_and_folders(folder: Path) -> None:
    outside = folder.parent / "outside.yaml"
    outside.write_text("workforce: {growth_rate: 0.1}")
    (folder / "real.yaml").write_text("workforce: {growth_rate: 0.1}")
    (folder / "within.yaml").symlink_to("real.yaml")
    assert load_scenario(base(), "within").workforce.growth_rate == Decimal("0.1")
    (folder / "out.yaml").symlink_to("../outside.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "gone.yaml").symlink_to("nowhere.yaml")
    (folder / "dir.yaml").mkdir()
    (folder / "sub").mkdir()
    (folder / "other.yml").write_text("{}")
    os.mkfifo(folder / "pipe.yaml")
    for name, message in {
        "out": "out.yaml: is a link out of c/scenarios; a scenario file is in its folder",
        "loop": "loop.yaml: is a link that leads nowhere",
        "gone": "gone.yaml: is a link that leads nowhere",
        "dir": "dir.yaml: is a folder; expected a YAML file",
        "sub": "sub: is a folder; expected sub.yaml",
        "other": "other.yml: expected the extension .yaml; rename the file",
        "pipe": "pipe.yaml: is not a regular file; expected a YAML file",
    }.items():
        with pytest.raises(ConfigError) as caught:
            load_scenario(base(), name)
        assert caught.value.problems == (f"c/scenarios/{message}",)


def test_a_folder_of_scenarios_may_be_a_link_itself(folder: Path) -> None:
    folder.rename(folder.parents[1] / "shared")
    folder.symlink_to("../shared")
    assert scenario(folder, "workforce: {growth_rate: 0.1}").workforce.growth_rate is not None


def test_a_file_named_as_the_base_is_an_error(folder: Path) -> None:
    (folder / "baseline.yaml").write_text("{}")
    with pytest.raises(ConfigError) as caught:
        load_scenario(base(), "baseline")
    assert caught.value.problems == (
        (
            "c/scenarios/baseline.yaml: has the name of the base scenario, which is c/base.yaml "
            "itself; rename the file, or set simulation.scenario there"
        ),
    )
    assert stray_files(base()) == caught.value.problems


def test_what_lies_among_them_and_is_none_is_told(folder: Path) -> None:
    for name in ("ok.yaml", "x.yml", "Big Name.yaml", "notes.md", ".hidden.yaml", "a.YAML"):
        (folder / name).write_text("{}")
    assert scenario_names(base()) == ("baseline", "ok")
    assert stray_files(base()) == (
        f"c/scenarios/Big Name.yaml: expected a file named after its scenario: {NAME_RULE}",
        "c/scenarios/a.YAML: expected the extension .yaml, so it is no scenario",
        "c/scenarios/x.yml: expected the extension .yaml, so it is no scenario",
    )
