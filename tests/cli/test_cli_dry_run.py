"""``--dry-run`` shows what a run would do, and writes nothing at all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import planwise, refused, tree

MODELS = Path(__file__).parents[2] / "dbt" / "models"


def test_a_dry_run_shows_the_plan_and_writes_nothing(project: Path) -> None:
    before = tree(project)
    done = planwise(
        *("simulate", "--census", "census.csv", "--years", "2025-2027", "--dry-run"),
        *("--no-compression", "--pool-size", "3", "--threads", "1", "--database", "new/x.duckdb"),
        cwd=project,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(project) == before
    lines = done.stdout.splitlines()
    assert "years: 2025 2026 2027" in lines
    assert (
        "plugins: batching on, compression off, monitoring on, precompile on, telemetry off, "
        "tuning on"
    ) in lines
    assert "pool size: 3" in lines
    assert any(re.match(r"\s+threads\s+1\s+\(command line\)", line) for line in lines)
    assert any(re.match(r"\s+memory_limit\s.*\(plugin tuning: .+\)", line) for line in lines)
    assert any(line.startswith("census census.csv: 200 rows read, 200 people") for line in lines)
    assert lines[-1] == "dry run: nothing was written"
    batches = [line for line in lines if re.match(r" +\d+  \w", line)]
    planned = [name for line in batches for name in line.split(maxsplit=1)[1].split(", ")]
    models = {
        path.stem for folder in ("foundation", "year") for path in (MODELS / folder).glob("*.sql")
    }
    ephemeral = models - set(planned)
    assert len(planned) == len(set(planned))
    assert {name for name in planned if not name.startswith("default_")} <= models
    for name in ephemeral:  # nothing is left out but what is folded into others
        text = "".join(path.read_text() for path in MODELS.rglob(f"{name}.sql"))
        assert "ephemeral" in text, name
    assert max(line.count(",") + 1 for line in batches) <= 3
    assert any("," in line for line in batches)


def test_a_dry_run_without_a_place_to_write_to_makes_none(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("census:\n  synthetic:\n    employees: 50\n")
    done = planwise("simulate", "--years", "2025", "--config", "c.yaml", "--dry-run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "50 synthetic people were generated" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]


def test_after_a_run_a_dry_run_starts_no_dbt(project: Path) -> None:
    words = ("simulate", "--census", "census.csv", "--years", "2025", "--cache-dir", "kept")
    words += ("--database", "a_name_of_its_own.duckdb")
    assert planwise(*words, cwd=project).returncode == 0
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "planwise.cli.main", *words, "--dry-run"],
        cwd=project,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "dry run: nothing was written"
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "planwise.project.dbt_project" in imported
    assert not {name for name in imported if name.partition(".")[0] == "dbt"}


def test_a_quiet_dry_run_shows_the_plan_alone(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("census:\n  synthetic:\n    employees: 50\n")
    words = ("simulate", "--years", "2025", "--config", "c.yaml", "--dry-run", "--quiet")
    done = planwise(*words, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert (lines[0], lines[-1]) == ("years: 2025", "dry run: nothing was written")


@pytest.mark.parametrize(
    ("words", "lack"),
    [
        (("--output", "r.json"), "no results to write"),
        (("--metrics", "m.jsonl"), "no metrics to write"),
        (("--profile",), "no profiles to keep"),
        (("--record-statements", "said"), "no statements to record"),
        (("--resume",), "no years to go on with"),
        (("--resume=force",), "no years to go on with"),
    ],
)
def test_what_only_a_run_gives_is_refused(
    tmp_path: Path, words: tuple[str, ...], lack: str
) -> None:
    done = planwise("simulate", "--dry-run", *words, cwd=tmp_path)
    flag = words[0].partition("=")[0]
    refused(done, 2, f"{flag}: --dry-run runs nothing, so there are {lack}; leave out one of")
    assert list(tmp_path.iterdir()) == []
