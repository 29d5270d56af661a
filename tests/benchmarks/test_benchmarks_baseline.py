"""Baselines: measured, stored, quoted by the runs that they are right for, and by no others."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import pytest
from bench_runs import bench
from hypothesis import given
from hypothesis import strategies as st

from planwise.baselines import (
    StoredBaseline,
    Subject,
    UnusableBaselineError,
    baseline_folder,
    find_baseline,
    subject_of,
    write_baseline,
)
from planwise.bench import baseline
from planwise.bench.surroundings import project_checksums
from planwise.cli.main import main
from planwise.config import load_config
from planwise.engine import QuietObserver
from planwise.improvement import age_words, baseline_words
from planwise.project.spec import ProjectSpec
from planwise.run_request import RunRequest
from planwise.runs.manifest import new_manifest
from planwise.runs.quoting import quoting
from planwise.runs.starting import Start
from planwise.simulation_options import SimulationOptions
from planwise.values import Baseline

NOW = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
SUBJECT = subject_of({"dbt_project.yml": "ab"}, 1000, 1)
STORED = StoredBaseline(
    subject=SUBJECT,
    arm="per-year",
    measured_at=NOW,
    years=2,
    rounds=3,
    foundation_setup_ms=9000.5,
    year_processing_ms=5000,
    total_simulation_ms=21000,
    versions={"python": "3.11.7"},
)
ms = st.floats(0.001, 1e9)


@given(ms, ms, ms, st.integers(1, 60), st.integers(1, 100))
def test_what_is_stored_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, a: float, b: float, c: float, years: int, rounds: int
) -> None:
    folder = tmp_path_factory.getbasetemp() / "round-trip"
    stored = attrs.evolve(
        STORED,
        foundation_setup_ms=a,
        year_processing_ms=b,
        total_simulation_ms=c,
        years=years,
        rounds=rounds,
    )
    write_baseline(stored, folder)
    assert find_baseline(SUBJECT, folder) == stored


@pytest.mark.parametrize(
    "other",
    [
        subject_of({"dbt_project.yml": "ac"}, 1000, 1),
        subject_of({"dbt_project.yml": "ab"}, 1001, 1),
        subject_of({"dbt_project.yml": "ab"}, 1000, 2),
        Subject({**SUBJECT.machine, "cores_granted": 96}, SUBJECT.project, 1000, 1),
    ],
)
def test_a_baseline_of_something_else_is_not_quoted(tmp_path: Path, other: Subject) -> None:
    file = write_baseline(STORED, tmp_path)
    assert find_baseline(other, tmp_path) is None
    # Not even where a file has been given the name of another.
    file.rename(tmp_path / other.name)
    with pytest.raises(UnusableBaselineError, match="is of something else; delete it, or"):
        find_baseline(other, tmp_path)


def test_the_total_is_of_so_many_years_and_no_others() -> None:
    assert STORED.quoted(2).total_simulation_ms == 21000
    assert STORED.quoted(3).total_simulation_ms is None
    assert STORED.quoted(3).year_processing_ms == 5000


SPOILT = [
    *(
        "",
        "[]",
        "null",
        "{}",
        "7",
        "[" * 100_000,
        "\x00",
        '{"format": 2}',
        "{" + '"a":1,' * 300_000,
    ),
]


@pytest.mark.parametrize("text", SPOILT, ids=range(len(SPOILT)))
def test_a_spoilt_file_is_refused_with_its_mend(tmp_path: Path, text: str) -> None:
    file = write_baseline(STORED, tmp_path)
    file.write_text(text)
    with pytest.raises(UnusableBaselineError) as caught:
        find_baseline(SUBJECT, tmp_path)
    assert str(caught.value).startswith(f"{file}: this baseline cannot be used (")
    assert str(caught.value).endswith(
        "; delete it, or measure again with `planwise bench baseline`"
    )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["format", *(each.name for each in attrs.fields(StoredBaseline))])
@pytest.mark.parametrize("value", [None, -1, True, [], {}, float("nan"), "x\n", 1e400])
def test_a_value_of_another_type_is_refused(tmp_path: Path, key: str, value: object) -> None:
    if key == "versions" and value == {}:
        return  # which is right
    file = write_baseline(STORED, tmp_path)
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(UnusableBaselineError):
        find_baseline(SUBJECT, tmp_path)


def test_the_folder_is_the_users_own_for_data() -> None:
    assert baseline_folder({"PLANWISE_DATA_DIR": "/d"}) == Path("/d/baselines")
    assert baseline_folder({"XDG_DATA_HOME": "/x"}) == Path("/x/planwise/baselines")
    assert baseline_folder({}) == Path.home() / ".local/share/planwise/baselines"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7200, "2 hours ago")),
        *((3 * 86400, "3 days ago"), (4000 * 86400, "4,000 days ago")),
    ],
)
def test_an_age_is_in_whole_units(seconds: int, words: str) -> None:
    assert age_words(NOW, NOW + datetime.timedelta(seconds=seconds)) == words


def test_a_baseline_is_named_as_what_it_is() -> None:
    later = NOW + datetime.timedelta(days=3)
    assert baseline_words(Baseline("configured", 1, 1, 1), later) == "configured"
    quoted = STORED.quoted(2)
    assert baseline_words(quoted, later) == "per-year, measured 3 days ago on this machine"
    odd = attrs.evolve(quoted, measured_at="yesterday")
    assert baseline_words(odd, later) == "per-year, measured on this machine"


@pytest.mark.parametrize(
    ("own", "given", "quotes"),
    [
        ("", {}, True),
        ("", {"keep_intermediates": True}, True),
        ("", {"variables": {"half": True}}, False),
        ("", {"step_variable": "jahr"}, False),
        ("", {"year": ()}, False),
        ("variables: {half: true}\n", {"variables": {"half": True}}, True),
        ("variables: {half: true}\n", {}, False),
        ("no such key: 1\n", {}, False),
    ],
)
def test_only_a_project_as_its_files_say_quotes_what_was_measured_of_it(
    three_models: Path, tmp_path: Path, own: str, given: dict[str, Any], quotes: bool
) -> None:
    if own:
        (three_models / "planwise.yaml").write_text(own)
    files = project_checksums(three_models)
    write_baseline(attrs.evolve(STORED, subject=subject_of(files, 0, 1)), tmp_path / "baselines")
    options = SimulationOptions(
        load_config(None),
        three_models,
        environ={"PLANWISE_DATA_DIR": str(tmp_path)},
        project=ProjectSpec(three_models, **given),
    )
    start = Start(new_manifest({}, [2025, 2026]))
    request = quoting(RunRequest((2025, 2026), 1), files, options, start, QuietObserver())
    assert request.measured(0) == (STORED.quoted(2) if quotes else None)


SMALL = ("--employees", "60", "--years", "2025", "--dbt-project", "three")


@pytest.mark.slow
def test_a_run_quotes_what_was_measured_and_goes_on_without_what_is_spoilt(
    three_models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANWISE_DATA_DIR", str(tmp_path / "data"))
    done = bench("baseline", *SMALL, "--rounds", "1", "--output", "found.json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = (tmp_path / "data" / "baselines").iterdir()
    assert f"stored: {file}" in done.stdout
    stored = json.loads(file.read_text())
    observed = json.loads((tmp_path / "found.json").read_text())["observations"]
    wall_s = {each["arm"]: each["wall_s"] for each in observed}
    assert stored["total_simulation_ms"] == pytest.approx(1000 * wall_s["per-year"])
    assert (stored["arm"], stored["years"], stored["rounds"]) == ("per-year", 1, 1)

    def simulated(*words: str) -> tuple[str, dict[str, object]]:
        command = [sys.executable, "-m", "planwise.cli.main", "simulate", "--years", "2025"]
        command += [
            "--dbt-project",
            "three",
            "--database",
            "r.duckdb",
            "--output",
            "r.json",
            *words,
        ]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr, json.loads((tmp_path / "r.json").read_text())

    said, found = simulated()
    assert "baseline: per-year, measured " in said
    assert " on this machine" in said
    expected = {key: stored[key] for key in ("foundation_setup_ms", "year_processing_ms")}
    expected |= {"kind": "measured", "arm": "per-year", "measured_at": stored["measured_at"]}
    assert found["baseline"] == expected | {"total_simulation_ms": stored["total_simulation_ms"]}
    assert found["improvement"] is not None

    file.write_text(file.read_text()[:-20])
    said, found = simulated()
    assert "warning: " in said
    assert "this baseline cannot be used" in " ".join(said.split())
    assert found["baseline"] is None


def test_nothing_is_stored_of_a_project_that_changes_while_it_is_measured(
    three_models: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def edited(*_: object, **__: object) -> None:
        """In place of a measurement, which takes as long as it takes to edit a file."""
        (three_models / "models" / "last.sql").write_text("select 1 as y")

    monkeypatch.setattr(baseline, "measure", edited)
    monkeypatch.setenv("PLANWISE_DATA_DIR", str(tmp_path / "data"))
    words = ["--employees", "60", "--years", "2025", "--dbt-project", str(three_models)]
    assert main(["bench", "baseline", *words]) == 1
    assert "its files changed while they were measured" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


def test_an_arm_that_is_no_baseline_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "baseline", "--arm", "floor"]) == 2
    assert "--arm" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PLANWISE_DATA_DIR", str(tmp_path / "file"))
    assert main(["bench", "baseline", "--employees", "60", "--years", "2025"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.endswith("; name another place for baselines in PLANWISE_DATA_DIR\n")
    assert said.err.count("\n") == 1
