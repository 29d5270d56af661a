"""Ctrl-C, SIGTERM and kill -9 in the middle of a run: the old result stays, the next run works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_runs import YEARS, environment, planwise, read_until, refused, results, start

from planwise.run_files import RunFiles
from planwise.run_record import UNFINISHED_NAME, read_account
from planwise.runs.manifest import read_manifest

AGAIN = ("simulate", "--census", "census.csv", *YEARS, "--seed", "7")
LONGER = ("simulate", "--census", "census.csv", "--years", "2025-2029", "--seed", "7")


@pytest.mark.parametrize(
    ("number", "code", "word", "moment"),
    [
        (signal.SIGINT, 130, "interrupted", "census "),
        (signal.SIGTERM, 143, "terminated", "foundation: "),
        (signal.SIGINT, 130, "interrupted", "year 2025: "),
        (signal.SIGTERM, 143, "terminated", "year 2025: "),
    ],
)
def test_a_signal_stops_the_run_and_leaves_what_was_there(
    project: Path, number: signal.Signals, code: int, word: str, moment: str
) -> None:
    before = results(project)
    running = start(*LONGER, cwd=project)
    read_until(running, moment)
    assert (project / "output" / "simulation.duckdb.lock").exists()
    running.send_signal(number)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == code
    if errors.startswith(f"planwise: {word}; 2025 "):
        # Its finished years are kept aside; whether there was one before is a matter of luck.
        assert errors == (
            f"planwise: {word}; 2025 is finished and kept, and an earlier result is as it was; the "
            "same command with --resume goes on from there\n"
        )
        assert read_manifest(building(project)) is not None
    elif not errors.startswith(f"planwise: {word}; 2025-"):
        assert errors == (
            f"planwise: {word}; nothing was published, and an earlier result is as it was\n"
        )
        assert not building(project).exists()
    after = {name: digest for name, digest in results(project).items() if "/building" not in name}
    assert after.pop("output/simulation.duckdb.planwise/unfinished.json")
    assert after == before


def building(project: Path) -> Path:
    return RunFiles(project / "output" / "simulation.duckdb").building


def test_a_second_signal_ends_the_process_at_once(project: Path) -> None:
    """A query that hears no interruption for a while stands in for one that does not."""
    running = start(*LONGER, cwd=project)
    read_until(running, "year 2025: ")
    for _ in range(50):  # the first is heard at its next step, and so is the second
        if running.poll() is not None:
            break
        running.send_signal(signal.SIGINT)
        time.sleep(0.002)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert len(errors.splitlines()) == 1
    assert errors.startswith(("planwise: stopped at once; ", "planwise: interrupted; "))
    again = planwise(*LONGER, "--resume", cwd=project)
    assert (again.returncode, again.stderr) == (0, "")
    clean = planwise(*LONGER, "--database", "clean/simulation.duckdb", cwd=project)
    assert (clean.returncode, clean.stderr) == (0, "")
    assert (
        planwise("digest", "output/simulation.duckdb", cwd=project).stdout
        == planwise("digest", "clean/simulation.duckdb", cwd=project).stdout
    )


def test_after_a_signal_or_a_kill_the_next_run_works(project: Path, finished: Path) -> None:
    before = results(project)
    database = "output/simulation.duckdb"
    running = start(*AGAIN, cwd=project)
    read_until(running, "year 2025: ")
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    # What a killed run leaves is aside; the result and its checkpoints are as they were.
    after = results(project)
    left = {name for name in after if name not in before}
    assert left
    assert all(".planwise/building" in name or name.endswith(".lock") for name in left)
    assert {name: after[name] for name in before} == before
    again = planwise(*AGAIN, cwd=project)
    assert (again.returncode, again.stderr) == (0, "")
    rerun = results(project)
    assert set(rerun) == set(before)
    assert rerun[database] != before[database]
    # And the same run in a place where nothing was ever killed gives the same tables.
    clean = planwise(*AGAIN, "--database", "clean/simulation.duckdb", cwd=project)
    assert (clean.returncode, clean.stderr) == (0, "")
    digests = [
        planwise("digest", d, cwd=project).stdout for d in (database, "clean/simulation.duckdb")
    ]
    assert digests[0] == digests[1] != planwise("digest", database, cwd=finished).stdout


def test_a_first_run_that_is_stopped_leaves_no_result(project: Path) -> None:
    running = start(*LONGER, "--database", "new/a.duckdb", "--output", "new/r.json", cwd=project)
    read_until(running, "foundation: ")
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=60)
    assert running.returncode == 143
    # The parse cache stays, so that the next run starts sooner, and what the run has measured.
    assert [p.name for p in (project / "new").iterdir()] == ["a.duckdb.planwise"]
    assert {p.name for p in (project / "new" / "a.duckdb.planwise").iterdir()} <= {
        *("logs", "profiles", "target", "unfinished.json"),
    }


def signalled_by_itself(
    script: str, number: signal.Signals, *words: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    """A script that sends itself a signal; Ctrl-C is heard, whatever the tests were begun with."""
    return subprocess.run(
        [sys.executable, "-c", script, str(int(number)), *words],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


LONG_READING = """
import os, signal, sys, threading
import planwise.inputs
from planwise.cli.main import main

def load_inputs(connection, *_):
    threading.Timer(0.3, os.kill, (os.getpid(), int(sys.argv[1]))).start()
    connection.execute("select count(*) from range(10000000) as a, range(1000000) as b").fetchall()

planwise.inputs.load_inputs = load_inputs
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
@pytest.mark.parametrize("command", ["validate", "inputs"])
def test_a_signal_while_a_census_is_read_is_one_line(
    project: Path, command: str, number: signal.Signals, code: int, word: str
) -> None:
    """DuckDB, stopped in a query on the main thread, raises a RuntimeError of its own.

    The reading of a small census is too short to be met, so a long query stands in its place.
    """
    more = ("--database", "plain.duckdb") if command == "inputs" else ()
    words = (command, "--census", "census.csv", "--years", "2025", *more)
    done = signalled_by_itself(LONG_READING, number, *words, cwd=project)
    assert done.returncode == code, done.stderr
    assert done.stderr == (
        f"planwise: {word}; nothing was published, and an earlier result is as it was\n"
    )
    assert not list(project.glob("plain.duckdb*"))


FAILED_BEFORE = """
import importlib, os, sys
from planwise.cli.main import main

number, place, name = int(sys.argv[1]), *sys.argv[2].rsplit(".", 1)
module = importlib.import_module(place)
original = getattr(module, name)

def signalled(*words, **more):
    os.kill(os.getpid(), number)
    return original(*words, **more)

setattr(module, name, signalled)
sys.exit(main(sys.argv[3:]))
"""


@pytest.mark.parametrize(
    ("number", "moment", "hint"),
    [
        (signal.SIGINT, "planwise.runs.leaving.write_account", "Ctrl-C came before its plugins"),
        (signal.SIGTERM, "planwise.runs.leaving._tell_plugins", "SIGTERM stopped a plugin that"),
        (signal.SIGTERM, "planwise.cli.simulate.write_metric_lines", ""),
    ],
)
def test_a_signal_while_a_failed_run_leaves_its_record_only_hastens_its_end(
    tmp_path: Path, number: signal.Signals, moment: str, hint: str
) -> None:
    """Each of these moments is too short to be met from outside: the run sends it to itself."""
    project = Path(__file__).parents[1] / "projects" / "failing"
    words = ("simulate", "--dbt-project", str(project), "--years", "2025", "--metrics", "m.jsonl")
    done = signalled_by_itself(FAILED_BEFORE, number, moment, *words, cwd=tmp_path)
    refused(done, 1, "broken failed in year 2025: ")
    assert hint in done.stdout
    work = RunFiles((tmp_path / "output" / "simulation.duckdb").resolve()).work
    end = read_account(work, UNFINISHED_NAME).end
    assert end is not None
    assert (end.status, done.stderr) == ("failed", f"planwise: {end.error}\n")
