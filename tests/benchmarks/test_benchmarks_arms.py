"""The arms, their processes, which run against which, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from attrs import evolve
from bench_runs import JOB, TABLE, scripted
from hypothesis import given
from hypothesis import strategies as st

from planwise.bench import report
from planwise.bench.arms import (
    ARMS,
    COLD,
    DBT_PARSE,
    FLOOR,
    IN_PROCESS,
    PER_MODEL,
    PER_YEAR,
    WARM,
    Arm,
    chosen,
)
from planwise.bench.job import Job, Place, Step, database_of
from planwise.bench.runner import (
    ArmRefusedError,
    Measurement,
    contenders,
    measure,
)
from planwise.bench.sameness import DigestsDifferError, check_same_tables
from planwise.bench.scale import Size, table
from planwise.cli.main import main
from planwise.errors import UsageError
from planwise.warehouse.database import Warehouse
from planwise.warehouse.recording import Recorder


def place(folder: Path) -> Place:
    kept = folder / "kept"
    kept.mkdir(exist_ok=True)
    return Place(folder, kept)


def flag(step: Step, name: str) -> str:
    return step.command[step.command.index(name) + 1]


def test_plain_dbt_builds_once_what_is_built_once_then_a_process_a_year(tmp_path: Path) -> None:
    found = ARMS[PER_YEAR].steps(JOB, place(tmp_path))
    assert [step.phase for step in found] == ["foundation"] * 3 + ["2025", "2026"]
    given_vars = [json.loads(flag(step, "--vars"))["simulation_year"] for step in found[1:]]
    assert given_vars == [2025, 2025, 2025, 2026]
    assert ["--full-refresh" in step.command for step in found[3:]] == [True, False]
    databases = {step.environment["PLANWISE_DATABASE"] for step in found[1:]}
    assert databases == {str(tmp_path / "simulation.duckdb")}


def test_a_process_for_each_seed_and_for_each_model_and_year(tmp_path: Path) -> None:
    where = place(tmp_path)
    seed, base = {"selector": "fqn:p.s", "kind": "seed"}, {"selector": "fqn:p.b", "kind": "model"}
    year = {"selector": "fqn:p.y", "kind": "model"}
    nodes = {"foundation": [seed, base], "years": {"2025": [year], "2026": [year]}}
    (where.kept / "nodes.json").write_text(json.dumps(nodes))
    inputs, *rest = ARMS[PER_MODEL].steps(JOB, where)
    assert "inputs" in inputs.command
    told = [(step.phase, step.command[3], flag(step, "--select")) for step in rest]
    assert told == [
        ("foundation", "seed", "fqn:p.s"),
        ("foundation", "run", "fqn:p.b"),
        ("2025", "run", "fqn:p.y"),
        ("2026", "run", "fqn:p.y"),
    ]
    assert ["--full-refresh" in step.command for step in rest] == [False, False, True, False]


def test_warm_keeps_its_caches_and_cold_does_not(tmp_path: Path) -> None:
    where, job = place(tmp_path), evolve(JOB, caches=True, scenarios=("a", "b"))
    [cold], [warm] = (ARMS[name].steps(job, where) for name in (COLD, WARM))
    assert flag(cold, "--cache-dir") == str(tmp_path / "caches")
    assert flag(warm, "--cache-dir") == str(where.kept / "caches")
    assert "--enable-all-optimizations" in cold.command
    assert warm.command[warm.command.index("--scenario") + 1 :][:2] == ("a", "b")
    [without] = ARMS[WARM].steps(JOB, where)
    assert "--cache-dir" not in without.command
    # What is recorded for the floor is a warm run.
    assert len(ARMS[FLOOR].prepare(job, where)) == 2
    limited = ARMS[WARM].steps(evolve(JOB, memory_limit="2GB"), where)
    assert flag(limited[0], "--memory-limit") == "2GB"


@given(st.lists(st.sampled_from(list(ARMS)), min_size=1))
def test_chosen_arms_come_once_each(wanted: list[str]) -> None:
    found = [arm.name for arm in chosen(wanted)]
    assert found == [name for name in ARMS if name in wanted]


def test_an_unknown_arm_names_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"no arm 'per-yaer'; there are: per-model, per-year"):
        chosen(["per-yaer"])


def test_an_arm_of_fewer_years_has_a_reference_of_as_many() -> None:
    arms = chosen([PER_MODEL, PER_YEAR, IN_PROCESS, WARM, DBT_PARSE])
    found = contenders(arms, JOB, WARM, {PER_MODEL: 1})
    assert [(each.name, each.reference, each.job.years) for each in found] == [
        ("planwise-warm", "planwise-warm", (2025, 2026)),
        ("per-year", "planwise-warm", (2025, 2026)),
        ("in-process", "planwise-warm", (2025, 2026)),
        ("dbt-parse", "planwise-warm", (2025, 2026)),
        ("planwise-warm (1 year)", "planwise-warm (1 year)", (2025,)),
        ("per-model (1 year)", "planwise-warm (1 year)", (2025,)),
    ]
    everything = contenders(arms, JOB, WARM, {PER_MODEL: 9})
    assert [each.name for each in everything if each.arm.name == PER_MODEL] == ["per-model"]
    assert len(everything) == 5


def test_arms_that_differ_are_refused_by_the_names_of_the_tables() -> None:
    reference = {"main.a": "1 x", "main.b": "2 y", "main.c": "3 z"}
    assert check_same_tables("per-year", {"main.a": "1 x", "main.d": "4"}, reference) == 1
    with pytest.raises(DigestsDifferError, match=r"arm 'per-year' .*: main\.a, main\.c;"):
        check_same_tables("per-year", {"main.a": "1 q", "main.b": "2 y", "main.c": "9"}, reference)
    with pytest.raises(DigestsDifferError, match="no table in common"):
        check_same_tables("per-year", {"main.d": "4"}, reference)


def recorded_floor(folder: Path, *, dbt_nodes: int) -> Arm:
    """The floor of a run that made the table of TABLE."""

    def prepare(_job: Job, where: Place) -> list[Step]:
        database = database_of(folder)
        recorder = Recorder(where.kept / "recording", database)
        warehouse = Warehouse(database, 1, recorder=recorder)
        warehouse.open({})
        with warehouse.connect() as cursor:
            cursor.execute("create table t as select ?::integer as a", [1])
        warehouse.close()
        recorder.finish(dbt_nodes=dbt_nodes, nodes=7, settings={})
        return []

    return evolve(ARMS[FLOOR], prepare=prepare)


def test_the_floor_is_measured_against_what_it_repeats(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    said: list[str] = []
    arms = [scripted(WARM, TABLE), recorded_floor(tmp_path, dbt_nodes=0)]
    found = measure(contenders(arms, JOB, WARM), rounds=2, seed=1, scratch=scratch, say=said.append)
    assert found.tables_compared == {WARM: 1, FLOOR: 1}
    assert [each.round for each in found.of(FLOOR)] == [1, 2]
    assert len(said) == 6
    comparison = report.comparisons(found, seed=1)[FLOOR]
    lines = report.whole_table(found, {FLOOR: comparison}, reference=WARM)
    assert lines[0].count("|") == lines[1].count("|") == lines[3].count("|")
    assert f"| {100 / comparison.ratio:.1f} % | too few rounds to tell |" in lines[3]
    assert len(report.phase_table(found, JOB.years)) == 2  # neither tells of its phases
    assert not (scratch / "run").exists()


@pytest.mark.parametrize("asked_for", [True, False])
def test_the_floor_of_a_run_of_dbt_is_refused_or_left_out(tmp_path: Path, asked_for: bool) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    said: list[str] = []

    def run() -> Measurement:
        arms = [scripted(WARM, TABLE), recorded_floor(tmp_path, dbt_nodes=3)]
        return measure(
            contenders(arms, JOB, WARM),
            rounds=1,
            seed=1,
            scratch=scratch,
            say=said.append,
            required=frozenset({FLOOR} if asked_for else ()),
        )

    if asked_for:
        with pytest.raises(ArmRefusedError, match="'floor' cannot run: dbt executed 3 of 7 nodes"):
            run()
    else:
        assert [each.name for each in run().contenders] == [WARM]
        assert said[0].startswith("left out: floor: dbt executed 3 of 7 nodes")


def test_an_arm_with_another_table_ends_the_measurement(tmp_path: Path) -> None:
    other = scripted(COLD, TABLE.replace("select 1", "select 2"))
    wanted = contenders([scripted(WARM, TABLE), other], JOB, WARM)
    with pytest.raises(DigestsDifferError, match=r"arm 'planwise-cold' .*: main\.t;"):
        measure(wanted, rounds=1, seed=1, scratch=tmp_path, say=lambda _: None)


def test_arms_run_in_an_order_that_the_seed_repeats(tmp_path: Path) -> None:
    names = ["a", "b", "c", "d"]
    wanted = contenders([scripted(name, TABLE) for name in names], JOB, "a")
    orders = []
    for seed in (5, 5, 6):
        scratch = tmp_path / str(len(orders))
        scratch.mkdir()
        found = measure(wanted, rounds=2, seed=seed, scratch=scratch, say=lambda _: None)
        orders.append([(each.round, each.arm) for each in found.observations])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == [(number, name) for number in (1, 2) for name in names]


def test_the_table_of_sizes_holds_without_a_floor() -> None:
    sizes = [Size(1_000, 2.0, None, 400.0, 2**30, None, None)]
    assert table(sizes)[2] == "| 1,000 | 2.00 |  |  |  | 400.0 | 1024 |  |"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["arms", "--rounds", "0"], "--rounds: expected 1 or more, got 0"),
        (["arms", "--arms", "no-such"], "no arm 'no-such'; there are: per-model"),
        (["arms", "--reference", "dbt-parse"], "--reference: expected one of per-model"),
        (["arms", "--per-model-years", "0"], "--per-model-years: expected 1 or more, got 0"),
        (["arms", "--years", "2026-2025"], "runs backwards"),
        (["arms", "--census-date", "2024-12-31"], "--census-date goes with --census"),
        (["arms", "--census", "none.csv"], "--census: none.csv: no such file"),
        (["arms", "--output", "/proc/none/results.json"], "--output: /proc"),
        (["scale", "--employees", "0"], "--employees: expected sizes of 1 or more"),
        (["scale", "--scratch", "/proc/none"], "--scratch: /proc/none is no folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_every_arm_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE)) >= set(ARMS)
