"""A against B: what is refused, what is stored, and plugins that change a result or take time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from bench_runs import bench

from planwise.cli.arm_flags import OWNED, active_hooks, arm_flags
from planwise.cli.main import main
from planwise.cli.parser import build_parser, known_flags
from planwise.errors import PlanwiseError, UsageError

SMALL = ("--employees", "60", "--years", "2025", "--dbt-project", "three", "--seed", "1")


def install(site: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with one plugin on disk, found by every Python that is started from here."""
    info = site / f"{name}_dist-3.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 3.1\n")
    (info / "entry_points.txt").write_text(f"[planwise.plugins]\n{name} = {name}_plugin:Plugin\n")
    (site / f"{name}_plugin.py").write_text(textwrap.dedent(source))
    path = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(site), path])))


CHANGES_A_VALUE = """
    from planwise.api import hookimpl

    class Plugin:
        @hookimpl
        def execute_batch(self, request):
            names = [node.unique_id for node in request.nodes]
            done = request.run_by_dbt(names)
            if any(name.endswith(".middle") for name in names):
                sql = "update middle set z = z + 1 where grade = 'b'"
                request.transaction(lambda cursor: cursor.execute(sql))
            return done
"""
SLEEPS = """
    import time
    from planwise.api import hookimpl

    class Plugin:
        @hookimpl
        def record_metric(self, metric):
            if metric.kind == "batch":
                time.sleep(2)
"""
NOTES_WHO_ASKS = """
    import os, zlib
    from planwise.api import CompressedState, hookimpl, read_arrow_stream, write_arrow_stream

    def note(what, table):
        with open({file!r}, "a") as file:
            file.write(f"{{os.getpid()}} {{what}} {{table.num_rows}} {{table.column_names}}\\n")
        return table

    class Plugin:
        @hookimpl
        def compress_state(self, state):
            stream = write_arrow_stream(note("stores", state.table))
            return CompressedState("noting", zlib.compress(stream, 1), state.table.nbytes)

        @hookimpl
        def restore_state(self, state, limit_bytes):
            if state.codec != "noting":
                return None
            stream = zlib.decompressobj().decompress(state.payload, limit_bytes)
            return note("restores", read_arrow_stream(stream, limit_bytes))
"""
BROKEN = "raise RuntimeError('imported')"


@pytest.mark.slow
def test_a_plugin_that_changes_one_value_is_caught_before_any_timing(
    three_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "changing", CHANGES_A_VALUE, monkeypatch)
    words = ["ab", "--a", "--no-precompile", "--b", "--no-precompile --no-changing", *SMALL]
    done = bench(*words, "--rounds", "2", "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "arm 'a' gives other tables than the reference: main.last, main.middle;" in done.stderr
    assert done.stderr.count("\n") == 1
    lines = done.stdout.splitlines()
    assert "main.middle: 1 of 2 rows only in b, 1 of 2 only in a; they differ in z" in lines
    assert "  b: z = 14, y = 2025, grade = b" in lines
    assert "  a: z = 15, y = 2025, grade = b" in lines
    assert not any(line.startswith(("round", "|")) for line in lines)
    assert not (tmp_path / "found.json").exists()


@pytest.mark.slow
def test_a_plugin_that_sleeps_in_each_batch_is_found_and_named(
    three_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "sleepy", SLEEPS, monkeypatch)
    words = ["ab", "--a", "--sleepy", "--b", "--no-sleepy --no-compression", *SMALL]
    done = bench(*words, "--rounds", "6", "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["comparisons"]["a"]["verdict"] == "slower"
    assert found["comparisons"]["a"]["ratio"] > 1
    told = done.stdout.splitlines()[-3]
    assert told.startswith("a takes ")
    assert told.endswith("6 pairs): slower")
    # Sleeping takes no processor: the two are told apart beside each other.
    cpu = {each["arm"]: each["cpu_s"] for each in found["observations"]}
    wall = {each["arm"]: each["wall_s"] for each in found["observations"]}
    assert cpu["a"] / wall["a"] < cpu["b"] / wall["b"]
    assert found["benchmark"] == "ab"
    assert found["distributions"]["sleepy"] == "sleepy-dist 3.1"
    assert found["hooks"]["a"]["sleepy"] == ["record_metric"]
    assert {"sleepy", "compression"} & set(found["hooks"]["b"]) == set()
    assert found["arms"]["b"]["flags"] == ["--no-sleepy", "--no-compression"]
    assert {"processor", "cores_granted", "memory_bytes"} <= set(found["machine"])
    assert found["versions"]["duckdb"]
    assert found["seed"] == 1


@pytest.mark.slow
def test_equal_arms_agree_and_a_budget_ends_with_a_whole_round(
    three_models: Path, tmp_path: Path
) -> None:
    words = ["ab", "--a", "", *SMALL, "--rounds", "50", "--time-budget", "0.001"]
    done = bench(*words, "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "time budget: stopped after 1 of 50 rounds" in done.stdout
    assert "seed 1; arms: a: no flags; b: no flags" in done.stdout
    assert "Every table is the same (4 tables)" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["rounds"], found["rounds_measured"]) == (50, 1)
    assert sorted(each["arm"] for each in found["observations"]) == ["a", "b"]
    assert found["comparisons"]["a"]["verdict"] == "too few rounds to tell"
    assert found["hooks"]["a"] == found["hooks"]["b"]


@pytest.mark.slow
def test_a_branch_begins_with_what_the_arms_own_codec_stored_and_gives_back(
    three_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes"
    install(tmp_path / "site", "noting", NOTES_WHO_ASKS.format(file=str(notes)), monkeypatch)
    words = ["ab", "--a", "--no-compression", "--b", "--no-noting", *SMALL]
    more = ["--years", "2025-2026", "--branch-from", "2025", "--rounds", "1"]
    done = bench(*words, *more, "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each arm first simulates 2025 with its flags, which is not counted" in done.stdout
    assert "60 synthetic people, branched from 2025, 1 year, medians of 1 round" in done.stdout
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["years"], found["branch_from"]) == ([2025, 2026], 2025)
    assert [each["years"] for each in found["arms"].values()] == [[2026], [2026]]
    assert all(list(each["years_s"]) == ["2026"] for each in found["observations"])
    seen: dict[str, list[str]] = {}
    for line in notes.read_text().splitlines():
        seen.setdefault(line.split()[0], []).append(line.partition(" ")[2])
    # Three processes of arm A asked it, and none of B: its source, the run that shows that the
    # tables are the same, and the one that counts.
    source, *branches = seen.values()
    stored = {each.removeprefix("stores ") for each in source if each.startswith("stores ")}
    assert len(stored) == 2  # middle and last: the foundation is no state of a year
    assert len(branches) == 2
    for branch in branches:
        first = next(n for n, each in enumerate(branch) if each.startswith("stores "))
        assert {each.removeprefix("restores ") for each in branch[:first]} == stored


@pytest.mark.slow
def test_an_interruption_leaves_nothing_behind(three_models: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "planwise.cli.main", "bench", "ab", "--a", "", *SMALL]
    (tmp_path / "scratch").mkdir()
    with subprocess.Popen(
        [*command, "--scratch", "scratch"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
    ) as process:
        assert process.stdout is not None
        while "not counted" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; nothing is reported, and nothing is left behind" in error
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_plugin_that_is_off_in_an_arm_is_not_imported_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "site", "broken", BROKEN, monkeypatch)
    found = active_hooks({"--a": ["--no-broken"], "--b": ["--no-broken", "--no-tuning"]}, None)
    assert found["--b"] == {k: v for k, v in found["--a"].items() if k != "tuning"}
    assert "broken" not in found["--a"]
    with pytest.raises(PlanwiseError, match=r"--b: plugin 'broken' .*RuntimeError: imported") as e:
        active_hooks({"--a": ["--no-broken"], "--b": []}, None)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--no-comprssion"], "unknown argument --no-comprssion; did you mean --no-compression?"),
        (["--compression-codec", "none"], "--compression-codec: expected one of"),
        (["--no-compression", "--compression-codec", "zstd"], "--compression-codec"),
        (["--enable-all-optimizations", "--no-tuning"], "contradict each other"),
        (["--pool-size", "0"], "pool"),
        (["--threads", "many"], "--threads"),
        (["stray"], "unknown argument stray"),
    ],
)
def test_flags_are_refused_as_simulate_refuses_them(flags: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=r"^--b: ") as caught:
        active_hooks({"--a": [], "--b": flags}, None)
    assert message in str(caught.value)


@pytest.mark.parametrize("flag", sorted(OWNED))
def test_what_the_benchmark_owns_is_no_flag_of_an_arm(flag: str) -> None:
    for text in (flag, f"--no-tuning {flag} x", f"{flag}=x"):
        with pytest.raises(UsageError, match=rf"^--a: {flag} cannot be a flag of an arm: "):
            arm_flags(text, "--a")


def test_every_flag_of_simulate_is_owned_or_can_be_measured() -> None:
    flags = set(known_flags(build_parser([]), "simulate"))
    assert set(OWNED) - flags == {"--version"}
    assert flags - set(OWNED) == {
        *("--pool-size", "--memory-limit", "--threads", "--no-cache", "--verbose"),
        *("--no-checkpoints", "--checkpoint-limit", "--enable-all-optimizations", "--profile"),
        "--quiet",
    }


def test_an_arm_that_branches_has_to_store_what_it_branches_from() -> None:
    assert arm_flags("--no-checkpoints", "--a") == ("--no-checkpoints",)
    with pytest.raises(UsageError, match=r"^--a: --no-checkpoints cannot be .* --branch-from"):
        arm_flags("--no-checkpoints", "--a", branching=True)


def test_flags_are_split_as_a_shell_does() -> None:
    assert arm_flags("", "--a") == ()
    assert arm_flags("--x 'a b' --no-y", "--a") == ("--x", "a b", "--no-y")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--b", ""], "required: --a"),
        (["--a", "--b", ""], "argument --a: expected one argument"),
        (["--a", "--database x"], "--a: --database cannot be a flag of an arm"),
        (["--a", "--years"], "--a: --years cannot be a flag of an arm"),
        (["--a", "", "--b", "--resume"], "--b: --resume cannot be a flag of an arm"),
        (["--a", "'"], "--a: ''' cannot be split into flags"),
        (["--a", "", "--warmup", "0"], "--warmup: expected 1 or more, got 0"),
        (["--a", "", "--time-budget", "0"], "--time-budget: expected seconds above 0, got 0"),
        (["--a", "", "--time-budget", "nan"], "--time-budget: expected seconds above 0, got nan"),
        (["--a", "", "--rounds", "0"], "--rounds: expected 1 or more, got 0"),
        (["--a", "", "--rounds", "6", "--precision", "2"], "--precision decides the number"),
        (["--a", "", "--precision", "0"], "--precision: expected percent above 0, 50 at the most"),
        (["--a", "", "--precision", "nan"], "--precision: expected percent above 0"),
        (["--a", "", "--branch-from", "2029"], "--branch-from: expected one of --years that a"),
        (["--a", "", "--branch-from", "2024"], "later one follows, got 2024 of 2025-2029"),
        (["--a", "", "--branch-from", "2025", "--years", "2025"], "got 2025 of 2025-2025"),
        (["--a", "", "--branch-from", "soon"], "argument --branch-from: invalid int value: 'soon'"),
        (
            ["--a", "", "--b", "--no-checkpoints", "--branch-from", "2027"],
            "--b: --no-checkpoints cannot be a flag of an arm: with --branch-from",
        ),
        (["--a", "", "--employees", "0"], "--employees: expected 1 or more, got 0"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "ab", *words]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
