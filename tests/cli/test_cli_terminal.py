"""What a run shows: a live view in a terminal, plain lines in a pipe, nothing with --quiet."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
from cli_runs import COMMAND, YEARS, environment, planwise, refused
from hypothesis import given
from hypothesis import strategies as st

from planwise.reporting.estimate import Durations, TimeLeft, about, earlier_durations
from planwise.run_files import RunFiles

RUN = ("simulate", "--census", "census.csv", *YEARS)
COLOUR = re.compile("\x1b\\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7])(?:;[0-9]+)*m")


def in_terminal(*words: str, cwd: Path, **more: str) -> str:
    """What a command shows in a terminal."""
    ours, theirs = pty.openpty()
    clean = environment({"TERM": "xterm-256color", **more})
    clean.pop("NO_COLOR", None) if "NO_COLOR" not in more else None
    with subprocess.Popen(
        [*COMMAND, *words], cwd=cwd, env=clean, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                read = os.read(ours, 1 << 16)
            except OSError:  # the other end has gone
                break
            if not read:
                break
            shown += read
        os.close(ours)
    assert process.returncode == 0, shown
    return shown.decode("utf-8", errors="replace")


def test_a_terminal_shows_how_long_it_still_takes_and_takes_no_colour_to_it(project: Path) -> None:
    shown = in_terminal(*RUN, cwd=project, NO_COLOR="1")
    assert re.search("about [0-9]+ s left", shown)
    assert "\x1b[?25l" in shown, "a bar hides the cursor"
    assert shown.count("\x1b[?25h") == 1, "and gives it back"
    assert not COLOUR.search(shown)
    # The foundation is told of before any year of this run has ended: the run before knows.
    assert re.search("foundation [^\n]*about", shown)


def test_a_project_that_runs_once_is_not_told_to_take_all_years(tmp_path: Path) -> None:
    """Its record says that a year takes long: that of the other years would be in the sum."""
    project = Path(__file__).parents[1] / "projects" / "once"
    words = ("simulate", "--dbt-project", str(project), "--database", "a.duckdb")
    done = planwise(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "the project runs once" in done.stdout
    file = RunFiles((tmp_path / "a.duckdb").resolve()).work / "run.json"
    content = json.loads(file.read_text(encoding="utf-8"))
    foundation, year = content["phases"]
    foundation["wall_s"], year["wall_s"] = 0.0, 80.0
    file.write_text(json.dumps(content), encoding="utf-8")
    shown = in_terminal(*words, cwd=tmp_path, NO_COLOR="1")
    left = [int(each) for each in re.findall("about ([0-9]+) s left", shown)]
    assert left
    assert max(left) <= 80
    assert " min left" not in shown


def test_a_pipe_gets_plain_lines(finished: Path) -> None:
    said = (finished / "stdout.txt").read_text(encoding="utf-8")
    assert "\x1b" not in said
    assert not re.search("about [0-9]", said)
    assert "\nyear 2025: " in said


def test_quiet_says_nothing_and_writes_the_same_files(project: Path) -> None:
    done = planwise(*RUN, "--quiet", "--output", "quiet.json", cwd=project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((project / "quiet.json").read_text(encoding="utf-8"))["years"] == [2025, 2026]
    refused(planwise(*RUN, "--quiet", "--resume", cwd=project), 0, "nothing to resume")
    missing = ("simulate", "--census", "none.csv", "--quiet")
    failed = planwise(*missing, cwd=project)
    refused(failed, 1, "none.csv")
    assert failed.stdout == ""


def test_the_run_before_tells_only_of_one_like_it(finished: Path) -> None:
    work = RunFiles(finished / "output" / "simulation.duckdb").work
    content = json.loads((work / "run.json").read_text(encoding="utf-8"))
    project = Path(content["details"]["circumstances"]["project"])
    found = earlier_durations(work, project, 200, 1)
    assert found is not None
    assert found.foundation_s == content["phases"][0]["wall_s"]
    assert found.year_s > 0
    assert earlier_durations(work, project, 210, 1) == found
    assert earlier_durations(work, project, 300, 1) is None
    assert earlier_durations(work, project, None, 0) is None
    assert earlier_durations(work, project, 200, 2) is None
    assert earlier_durations(work, project.parent, 200, 1) is None
    assert earlier_durations(work.parent, project, 200, 1) is None


@pytest.mark.parametrize("people", [None, "200", [], {}])
def test_a_damaged_record_of_the_run_before_tells_nothing(
    finished: Path, tmp_path: Path, people: object
) -> None:
    work = RunFiles(finished / "output" / "simulation.duckdb").work
    content = json.loads((work / "run.json").read_text(encoding="utf-8"))
    around = content["details"]["circumstances"]
    around["census"]["people"] = people
    (tmp_path / "run.json").write_text(json.dumps(content), encoding="utf-8")
    assert earlier_durations(tmp_path, Path(around["project"]), 200, 1) is None


@given(
    took=st.lists(st.floats(0.001, 1e5), max_size=5),
    earlier=st.none() | st.builds(Durations, st.floats(0, 1e5), st.floats(0, 1e5)),
    elapsed=st.floats(0, 1e6),
)
def test_what_is_left_is_never_less_than_nothing_and_ends_with_the_last_year(
    took: list[float], earlier: Durations | None, elapsed: float
) -> None:
    now = [1.0]
    years = list(range(2025, 2025 + len(took) + 2))
    left = TimeLeft(lambda: years, lambda: earlier, lambda: now[0])
    left.phase_started(None, 0)
    assert left.seconds() is None
    left.phase_started(None, 30)
    first = left.seconds()
    assert (first is None) == (earlier is None)
    left.phase_finished(None, 1.0)
    for year, wall in zip(years, took, strict=False):
        left.phase_started(year, 18)
        left.phase_finished(year, wall)
    left.phase_started(years[-1], 18)
    before = left.seconds()
    assert (before is None) == (not took and earlier is None)
    now[0] += elapsed
    after = left.seconds()
    if before is not None and after is not None:
        assert 0 <= after <= before
        assert after == pytest.approx(max(0.0, before - elapsed))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0.0, "about 1 s left"),
        (89.0, "about 89 s left"),
        (95.0, "about 2 min left"),
        (6_000.0, "about 1.7 h left"),
    ],
)
def test_time_left_in_words(seconds: float | None, words: str) -> None:
    assert about(seconds) == words
