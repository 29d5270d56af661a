"""``planwise scenarios``, ``--scenario`` and what a pass of several scenarios gives."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cli_runs import planwise, refused, results, tree

from planwise.scenarios.in_force import BY_FORMULA

ROOT = Path(__file__).parents[2]
SHIPPED = ["auto_enroll_all", "core_integrated", "safe_harbor", "stretch_match", "tenure_match"]
RUN = ("--census", "census.csv", "--years", "2025-2026")
ONE_PASS = ("baseline", "safe_harbor", "core_integrated")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a census of 200 people and the configuration that comes with planwise."""
    folder = tmp_path_factory.mktemp("scenarios")
    shutil.copytree(ROOT / "config", folder / "config")
    done = planwise(
        "census", "generate", "--employees", "200", "--output", "census.csv", cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def home(place: Path, tmp_path: Path) -> Path:
    """A copy of it, to be used up."""
    shutil.copytree(place, tmp_path / "home", ignore=lambda *_: ["output"])
    return tmp_path / "home"


@pytest.fixture(scope="module")
def one_pass(place: Path) -> Path:
    """Three scenarios in one pass; stdout.txt is what was said."""
    done = planwise(
        *("simulate", *RUN, "--scenario", *ONE_PASS),
        *("--database", "output/three.duckdb", "--output", "output/three.json"),
        cwd=place,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (place / "output" / "stdout.txt").write_text(done.stdout, encoding="utf-8")
    return place


def printed(*arguments: str, cwd: Path) -> Any:
    done = planwise("scenarios", *arguments, "--json", cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_list_marks_the_base_and_counts_what_differs(home: Path) -> None:
    (home / "config" / "scenarios" / "broken.yaml").write_text("plan: {match_formula: smple}")
    (home / "config" / "scenarios" / "odd.yml").write_text("description: not read")
    before = tree(home)
    listed = printed("list", cwd=home)
    assert [line.partition(":")[0] for line in listed["problems"]] == ["config/scenarios/odd.yml"]
    rows = {row["name"]: row for row in listed["scenarios"]}
    assert list(rows) == ["baseline", *sorted([*SHIPPED, "broken"])]
    assert [name for name, row in rows.items() if row["base"]] == ["baseline"]
    assert (rows["baseline"]["differences"], rows["baseline"]["file"]) == (
        0,
        "config/simulation_config.yaml",
    )
    # The formula, its tiers, and the vesting that goes with it.
    assert rows["safe_harbor"]["differences"] == 3
    assert rows["auto_enroll_all"]["differences"] == 2
    assert all(rows[name]["description"] for name in SHIPPED)
    assert rows["broken"]["differences"] is None
    assert rows["broken"]["problems"][0].startswith(
        "config/scenarios/broken.yaml:1: key plan.match_formula: expected none, simple"
    )
    text = planwise("scenarios", "list", cwd=home)
    assert (text.returncode, text.stderr) == (0, "")
    assert "baseline *" in text.stdout
    assert "does not load: config/scenarios/broken.yaml:1" in " ".join(text.stdout.split())
    assert "odd.yml: expected the extension .yaml" in " ".join(text.stdout.split())
    assert "defaults" not in text.stdout  # no file, says that word, and here each has one
    assert tree(home) == before


def test_show_says_everything_in_force_with_its_source(home: Path) -> None:
    shown = printed("show", "tenure_match", cwd=home)
    assert shown["file"] == "config/scenarios/tenure_match.yaml"
    assert shown["base"] is False
    settings = {each["name"]: each for each in shown["settings"]}
    assert settings["match_formula"] == {
        "name": "match_formula",
        "table": False,
        "value": "tenure_graded",
        "source": "config/scenarios/tenure_match.yaml: plan.match_formula",
    }
    assert settings["growth_rate"]["source"] == "default"
    assert settings["draws"]["value"] == "baseline"
    assert settings["seed"]["source"] == "config/simulation_config.yaml: simulation.seed"
    assert [row["band_min"] for row in settings["match_tiers"]["value"]] == ["0", "2", "10", "10"]
    assert len(settings["irs_limits"]["value"]) == 9
    assert len(settings["vesting_steps"]["value"]) == 10  # both sources, 2 to 6 graded
    with (ROOT / "dbt" / "seeds" / "default_parameters.csv").open() as file:
        parameters = [line.split(",")[0] for line in file][1:]
    assert [name for name in settings if name in parameters] == parameters
    text = planwise("scenarios", "show", "tenure_match", cwd=home).stdout
    assert "match_tiers: 4 rows  (config/scenarios/tenure_match.yaml: plan.match_tiers)" in text
    assert len([line for line in text.splitlines() if line.startswith("escalation_")]) == 2


def test_show_changed_says_only_what_differs(home: Path) -> None:
    changed = printed("show", "safe_harbor", "--changed", cwd=home)["settings"]
    assert [each["name"] for each in changed] == ["match_formula", "match_tiers", "vesting_steps"]
    # Rows that a word chose have that word's source.
    assert {each["source"] for each in changed} == {
        "config/scenarios/safe_harbor.yaml: plan.match_formula"
    }
    assert printed("show", "baseline", "--changed", cwd=home)["settings"] == []
    text = planwise("scenarios", "show", "baseline", "--changed", cwd=home).stdout
    assert "nothing differs from the base scenario" in text


def test_diff_says_both_values_and_both_sources(home: Path) -> None:
    (home / "config" / "scenarios" / "odd.yaml").write_text(
        "simulation: {seed: 9}\nworkforce: {levels: from_census, termination_rate: 0.120}\n"
        "plan: {escalation_rate: 0.02}\n"
    )
    found = printed("diff", "odd", "stretch_match", cwd=home)
    assert (found["a"], found["b"]) == ("odd", "stretch_match")
    differences = {each["name"]: each for each in found["differences"]}
    assert set(differences) == {
        *("seed", "escalation_rate", "match_formula", "match_tiers", "levels")
    }
    assert differences["escalation_rate"]["a"] == {
        "value": "0.02",
        "source": "config/scenarios/odd.yaml: plan.escalation_rate",
    }
    assert differences["escalation_rate"]["b"] == {"value": "0.01", "source": "default"}
    assert differences["levels"]["a"]["value"] == "from census"
    assert len(differences["levels"]["b"]["value"]) == 5
    text = planwise("scenarios", "diff", "odd", "stretch_match", cwd=home)
    assert (text.returncode, text.stderr) == (0, "")
    assert "match_tiers of stretch_match: 1 row" in text.stdout
    same = home / "config" / "scenarios" / "same.yaml"
    same.write_text("workforce: {growth_rate: 0.0300}\nplan: {governmental: false}\n")
    assert printed("diff", "same", "baseline", cwd=home)["differences"] == []
    assert planwise("scenarios", "diff", "same", "baseline", cwd=home).stdout == (
        "same and baseline do not differ\n"
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("scenarios",), 2, ("ACTION",)),
        (("scenarios", "lst"), 2, ("lst",)),
        (("scenarios", "list", "--jsn"), 2, ("did you mean --json?",)),
        (("scenarios", "show"), 2, ("NAME",)),
        (("scenarios", "show", "strech_match"), 2, ("did you mean stretch_match?",)),
        (("scenarios", "show", "../simulation_config"), 2, ("not a path",)),
        (("scenarios", "diff", "baseline", "baseline"), 2, ("does not differ from itself",)),
        (("scenarios", "diff", "baseline", "zzz"), 2, ("no scenario zzz", "known: baseline")),
        (("scenarios", "list", "--config", "none.yaml"), 1, ("none.yaml",)),
        (("simulate", *RUN, "--scenario"), 2, ("--scenario",)),
        (("simulate", *RUN, "--scenario", "baseline", "baseline"), 2, ("asked for twice",)),
        (("simulate", *RUN, "--scenario", "nosuch"), 2, ("no scenario nosuch",)),
        (("simulate", *RUN, "--scenario", "a;b'"), 2, ("a;b", "not a path")),
        (("inputs", *RUN, "--database", "x.duckdb", "--scenario", "nosuch"), 2, ("nosuch",)),
        (
            (
                *("simulate", *RUN, "--output", "config/scenarios/safe_harbor.yaml"),
                *("--scenario", "safe_harbor"),
            ),
            2,
            ("--output", "scenario"),
        ),
        (
            ("simulate", "--census", "census.csv", "--years", "2018", "--dry-run"),
            1,
            ("key plan.irs_limits", "begins in 2017", "start in 2019 or later", "command line"),
        ),
        (("simulate", "--census", "census.csv", "--years", "2018"), 1, ("key plan.irs_limits",)),
    ],
)
def test_a_wrong_request_is_one_line_and_writes_nothing(
    home: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    before = tree(home)
    refused(planwise(*arguments, cwd=home), code, *words)
    assert tree(home) == before


def test_a_wrong_scenario_file_stops_a_run_before_it_begins(home: Path) -> None:
    (home / "config" / "scenarios" / "bad.yaml").write_text(
        "plan:\n  match_formula: custom\n  opt_out_window_days: 91\n"
    )
    before = tree(home)
    done = planwise("simulate", *RUN, "--scenario", "baseline", "bad", cwd=home)
    refused(done, 1, "bad.yaml:3: key plan.opt_out_window_days: expected a whole number")
    assert tree(home) == before


def test_validate_checks_every_scenario_file(home: Path) -> None:
    done = planwise("validate", *RUN, cwd=home)
    assert (done.returncode, done.stderr) == (0, "")
    [line] = [line for line in done.stdout.splitlines() if " scenarios " in line]
    assert line.split(maxsplit=2) == ["ok", "scenarios", ", ".join(["baseline", *SHIPPED])]
    folder = home / "config" / "scenarios"
    (folder / "one.yaml").write_text("plan: {core_formula: points}")
    (folder / "two.yaml").write_text("plan: {voluntary_deferral_min: 0.9}")
    (folder / "three.yml").write_text("{}")
    done = planwise("validate", *RUN, cwd=home)
    assert (done.returncode, done.stderr) == (1, "")
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert {line.split()[1] for line in failed} == {"scenarios"}
    for word in (
        "one.yaml:1: key plan.core_formula",
        "two.yaml:1: key plan.voluntary",
        "three.yml",
    ):
        assert len([line for line in failed if word in line]) == 1
    # The others have been checked all the same.
    assert any(line.startswith("ok   project") for line in done.stdout.splitlines())


def test_a_dry_run_and_inputs_take_several(home: Path) -> None:
    before = results(home)
    done = planwise(
        "simulate", *RUN, "--dry-run", "--scenario", "safe_harbor", "baseline", cwd=home
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "scenario safe_harbor: config/scenarios/safe_harbor.yaml, draws of baseline\n"
        "scenario baseline: the configuration itself\n"
    ) in done.stdout
    assert results(home) == before
    done = planwise(
        *("inputs", *RUN, "--database", "in.duckdb", "--seed", "5"),
        *("--scenario", "tenure_match", "baseline", "auto_enroll_all"),
        cwd=home,
    )
    assert (done.returncode, done.stderr) == (0, "")
    with duckdb.connect(str(home / "in.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select scenario_id, seed, draws, first_year from inputs.scenarios order by 1"
        ).fetchall() == [
            (name, 5, "baseline", 2025) for name in ("auto_enroll_all", "baseline", "tenure_match")
        ]
        sources = connection.execute("select distinct source from inputs.scenario_match_tiers")
        assert sources.fetchall() == [("config/scenarios/tenure_match.yaml: plan.match_tiers",)]
        assert connection.execute("select count(*) from inputs.census").fetchall() == [(200,)]


@pytest.mark.slow
def test_a_pass_says_what_each_scenario_costs(one_pass: Path) -> None:
    text = (one_pass / "output" / "stdout.txt").read_text(encoding="utf-8")
    found = json.loads((one_pass / "output" / "three.json").read_text(encoding="utf-8"))
    assert [row["scenario_id"] for row in found["scenarios"]] == list(ONE_PASS)
    assert [row["file"] for row in found["scenarios"]] == [
        None,
        "config/scenarios/safe_harbor.yaml",
        "config/scenarios/core_integrated.yaml",
    ]
    assert {row["draws"] for row in found["scenarios"]} == {"baseline"}
    with duckdb.connect(str(one_pass / "output" / "three.duckdb"), read_only=True) as db:
        db.execute("from main.fct_plan_cost order by scenario_id, replicate_id, simulation_year")
        names = [column[0] for column in db.description]
        rows = [dict(zip(names, row, strict=True)) for row in db.fetchall()]
        resolved = db.execute(
            "select scenario_id, match_vesting, match_vesting_schedule from main.dim_scenario"
        ).fetchall()
    assert found["plan_cost"] == rows
    assert len(rows) == 6
    words = [line.split() for line in text.splitlines()]
    for row in rows:
        rates = [f"{row[key] / 1000:.2f}" for key in ("participation_rate_e5", "net_cost_share_e5")]
        [line] = [
            each
            for each in words
            if each[:2] == [row["scenario_id"], str(row["simulation_year"])] and "%" in each
        ]
        assert line[2] == f"{row['eligible']:,}"
        assert (line[3], line[-2]) == tuple(rates)
        assert line[-3] == f"{(row['net_employer_cost_cents'] + 50) // 100:,}"
    # The same people in each: what differs is the plan.
    people = {
        tuple(
            (row["headcount"], row["payroll_cents"]) for row in rows if row["scenario_id"] == name
        )
        for name in ONE_PASS
    }
    assert len(people) == 1
    # What `scenarios show` says of vesting by formula is what the models do.
    for name, word, schedule in resolved:
        assert word == BY_FORMULA
        settings = printed("show", name, cwd=one_pass)["settings"]
        [steps] = [each["value"] for each in settings if each["name"] == "vesting_steps"]
        first = next(row for row in steps if row["money_source"] == "match")
        assert first["service_years"] == {"immediate": "0", "graded_2_to_6": "2"}[schedule]


@pytest.mark.slow
def test_a_scenario_gives_alone_what_it_gives_among_others(one_pass: Path) -> None:
    name = "core_integrated"
    done = planwise(
        *("simulate", *RUN, "--scenario", name, "--database", "output/alone.duckdb"), cwd=one_pass
    )
    assert (done.returncode, done.stderr) == (0, "")
    tables = []
    for file in ("output/alone.duckdb", "output/three.duckdb"):
        printed = planwise("digest", file, "--scenario", name, cwd=one_pass)
        assert (printed.returncode, printed.stderr) == (0, "")
        tables.append(json.loads(printed.stdout)["tables"])
    assert tables[0] == tables[1]
    assert tables[0]["main.fct_yearly_events"]["rows"] > 200
