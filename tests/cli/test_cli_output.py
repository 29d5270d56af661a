"""What a user sees: plain lines in a pipe, a bar in a terminal, a report with all its parts."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import IO

import duckdb
import pytest
from cli_runs import COMMAND, YEARS, environment, planwise, results, start

RUN = ("simulate", "--census", "census.csv", *YEARS)


def test_the_report_says_what_was_promised(finished: Path) -> None:
    text = (finished / "stdout.txt").read_text(encoding="utf-8")
    found = json.loads((finished / "output" / "results.json").read_text(encoding="utf-8"))
    lines = text.splitlines()
    assert lines[0] == "census census.csv: 200 rows read, 200 people on 2024-12-31"
    phases = [
        line for line in lines if re.match(r"(foundation|year \d+): [\d.]+ s, [\d,]+ rows", line)
    ]
    assert [line.split(":")[0] for line in phases] == ["foundation", "year 2025", "year 2026"]
    assert all("times smaller" in line for line in phases[1:])
    assert re.search(
        r"Simulated 2 of 2 years \(2025 to 2026\) in [\d.]+ s; success rate 100%", text
    )
    for part in ("Headcount and payroll", "Time", "Monitoring", "DuckDB settings"):
        assert part in lines
    assert "slowest models: " in text
    assert "there is no baseline, so none is quoted" in text
    assert f"database     {finished / 'output' / 'simulation.duckdb'}" in lines
    with duckdb.connect(str(finished / "output" / "simulation.duckdb"), read_only=True) as db:
        db.execute("from main.fct_headcount order by simulation_year")
        names = [column[0] for column in db.description]
        rows = [dict(zip(names, row, strict=True)) for row in db.fetchall()]
    assert found["headcount"] == rows
    for row in rows:
        leavers = row["new_hire_leavers"] + row["experienced_leavers"] + row["reduction_in_force"]
        cells = (row["opening"], row["hires"], leavers, row["closing"], row["target"])
        payroll = f"{(row['payroll_cents'] + 50) // 100:,}"
        shown = [str(row["simulation_year"]), *(f"{cell:,}" for cell in cells), payroll]
        assert shown in [line.split() for line in lines]
        assert row["closing"] == row["target"]


def test_a_pipe_gets_plain_text(finished: Path) -> None:
    text = (finished / "stdout.txt").read_bytes()
    assert b"\x1b" not in text
    assert b"\r" not in text
    assert "━" not in text.decode("utf-8")


@pytest.mark.parametrize("variables", [{}, {"NO_COLOR": "1"}], ids=["colour", "no colour"])
def test_a_terminal_gets_a_bar_and_the_same_report(
    project: Path, variables: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *RUN],
        cwd=project,
        env=environment({"TERM": "xterm-256color", **variables}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:
        pass  # Linux: the terminal is gone when its last process is
    os.close(ours)
    assert process.wait() == 0
    text = seen.decode("utf-8")
    assert "━" in text
    assert re.search(r"\b\d+/\d+\b", text)
    assert "\x1b[" in text
    coloured = re.search(r"\x1b\[[0-9;]*3[0-9](;|m)", text)
    assert bool(coloured) == (not variables)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "success rate 100%" in plain
    assert "Headcount and payroll" in plain


def test_a_reader_that_leaves_ends_a_run_without_a_word(project: Path) -> None:
    before = results(project)
    process = start(*RUN, "--no-precompile", cwd=project)  # slow enough to be left in the middle
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("census ")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == ""
    after = results(project)
    after.pop("output/simulation.duckdb.planwise/unfinished.json", None)  # if a model had begun
    assert after == before


def printing_to(
    output: IO[str] | int, *arguments: str, cwd: Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments", [("--help",), ("plugins",), ("digest", "output/simulation.duckdb")]
)
def test_a_reader_that_has_left_is_no_traceback(project: Path, arguments: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = printing_to(writer, *arguments, cwd=project)
    os.close(writer)
    assert done.stderr == ""
    # argparse swallows the error of an unbuffered stream when it prints the help.
    assert done.returncode in ((0, 1) if arguments == ("--help",) else (1,))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("arguments", [("plugins",), ("schema", "config")])
def test_a_full_disk_behind_standard_output_is_one_line(
    project: Path, arguments: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        done = printing_to(full, *arguments, cwd=project)
    assert done.returncode == 1
    assert done.stderr == (
        "planwise: standard output cannot be written: No space left on device; make room, or send "
        "it somewhere else\n"
    )


def test_who_chose_memory_and_threads_is_in_the_report(project: Path) -> None:
    config = "environment:\n  DUCKDB_MEMORY_LIMIT: 700MB\n  DUCKDB_THREADS: 3\n"
    (project / "c.yaml").write_text(config)
    by_variable = {"DUCKDB_MEMORY_LIMIT": "800MB", "DUCKDB_THREADS": "2"}
    by_flag = ("--memory-limit", "900MB", "--threads", "1")
    cases: list[tuple[tuple[str, ...], dict[str, str], tuple[object, object], str]] = [
        ((), {}, ("700MB", 3), "config"),
        ((), by_variable, ("800MB", 2), "environment"),
        (by_flag, by_variable, ("900MB", 1), "command line"),
    ]
    for flags, variables, (memory, threads), origin in cases:
        done = planwise(
            *("simulate", "--census", "census.csv", "--years", "2025", "--config", "c.yaml"),
            *("--output", "r.json", *flags),
            cwd=project,
            more=variables,
        )
        assert (done.returncode, done.stderr) == (0, "")
        found = json.loads((project / "r.json").read_text())["settings"]
        chosen = {each["name"]: (each["value"], each["origin"]) for each in found}
        assert chosen["memory_limit"] == (memory, origin)
        assert chosen["threads"] == (threads, origin)
        assert re.search(rf"memory_limit +{memory} +\({origin}\)", done.stdout)
        assert re.search(rf"threads +{threads} +\({origin}\)", done.stdout)


def test_improvement_against_a_configured_baseline_is_named_so(project: Path) -> None:
    (project / "c.yaml").write_text(
        "performance:\n  baseline_metrics:\n    total_simulation: 7200000\n    year_processing: 1\n"
    )
    done = planwise(*RUN, "--config", "c.yaml", "--output", "r.json", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads((project / "r.json").read_text())
    assert found["baseline"]["kind"] == "configured"
    assert found["improvement"]["class"] == "achieved"
    assert found["year_phases"][0]["improvement"]["class"] == "below"
    assert found["foundation"]["improvement"] is None
    assert re.search(  # a run of under 3.6 s is 100.0 % faster, rounded
        r"improvement: (99|100)\.\d % \(achieved\): [\d.]+ s, the configured baseline 7200\.00 s",
        done.stdout,
    )


def test_without_the_monitor_the_report_still_says_that_there_is_no_baseline(project: Path) -> None:
    done = planwise(*RUN, "--no-monitoring", cwd=project)
    assert (done.returncode, done.stderr) == (0, "")
    assert "improvement: there is no baseline, so none is quoted" in done.stdout
    assert "Monitoring" not in done.stdout
