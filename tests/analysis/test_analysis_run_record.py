"""The record of a run: what is written is what is read, also by and from another planwise."""

from __future__ import annotations

import copy
import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from analysis_runs import YEARS, run_planwise

from planwise.analysis.explanation import node_accounts, phase_time
from planwise.errors import WarehouseError
from planwise.run_files import RunFiles
from planwise.run_record import FILE_NAME, RunAccount, read_account

NEW_IN_MODELS = ("batch", "start_s")
NEW_IN_PHASES = (
    *("start_s", "cpu_s", "peak_rss_bytes", "rows", "bytes_read", "bytes_written", "batches"),
    *("checkpoint", "storing", "improvement"),
)


@pytest.fixture
def account(database: Path) -> RunAccount:
    return read_account(RunFiles(database).work)


@pytest.fixture
def content(database: Path) -> Any:
    return json.loads((RunFiles(database).work / FILE_NAME).read_text(encoding="utf-8"))


def test_what_is_written_is_what_is_read(account: RunAccount, content: Any) -> None:
    assert json.loads(json.dumps({"format": 1, **attrs.asdict(account)})) == content


def test_every_moment_lies_in_its_run(account: RunAccount) -> None:
    before = 0.0
    for phase in account.phases:
        assert phase.start_s is not None
        assert before <= phase.start_s
        before = phase.start_s + phase.wall_s
        assert before <= account.wall_s
        batches = [model.batch for model in phase.models]
        assert batches == sorted(batches)
        assert set(batches) == set(range(1, phase.batches + 1))
        for model in phase.models:
            assert model.start_s is not None
            assert phase.start_s <= model.start_s
            assert model.start_s + model.wall_s <= before + 1e-6
    stored = [phase.storing for phase in account.phases if phase.storing is not None]
    assert len(stored) == len(YEARS)
    assert all(each.start_s + each.wall_s <= account.wall_s for each in stored)


def test_it_says_what_the_run_ran_with(account: RunAccount) -> None:
    details = account.details
    assert details is not None
    assert details.requested_years == YEARS
    around = details.circumstances
    plugins = {each.name: each for each in around.plugins}
    assert plugins["precompile"].hooks == ("execute_batch",)
    off = plugins.pop("telemetry")  # it needs an extra
    assert (off.enabled, off.hooks) == (False, ())
    assert all(each.enabled and each.distribution for each in plugins.values())
    assert around.versions["duckdb"]
    assert around.census is not None
    assert around.census["people"] > 100
    assert "examples" not in around.census
    assert details.settings
    assert all(each.origin for each in details.settings)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("people", each) for each in (None, "200", True, 2.5)),
        *(("assumed", each) for each in (None, [], {"a": None}, {"a": "1"})),
        *(("columns_used", each) for each in ("x", {"a": 1})),
        *(("notes", each) for each in ("x", [1], {})),
        ("path", 7),
        ("", {}),
    ],
)
def test_what_it_keeps_of_a_census_is_held_to_its_types(
    content: Any, tmp_path: Path, key: str, value: object
) -> None:
    around = content["details"]["circumstances"]
    around["census"] = around["census"] | {key: value} if key else value
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(WarehouseError, match="cannot be used"):
        read_account(tmp_path)


def test_the_record_of_an_older_planwise_is_read(content: Any, tmp_path: Path) -> None:
    del content["details"]
    for phase in content["phases"]:
        for key in NEW_IN_PHASES:
            del phase[key]
        for model in phase["models"]:
            for key in NEW_IN_MODELS:
                del model[key]
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    older = read_account(tmp_path)
    assert older.details is None
    assert [phase.start_s for phase in older.phases] == [None] * (1 + len(YEARS))
    assert all(model.start_s is None for phase in older.phases for model in phase.models)


def test_the_record_of_a_newer_planwise_is_read(
    content: Any, account: RunAccount, tmp_path: Path
) -> None:
    for part in (
        *(content, content["details"], content["details"]["circumstances"]),
        *(content["phases"][1], content["phases"][1]["models"][0]),
        *(content["phases"][1]["checkpoint"], content["details"]["settings"][0]),
    ):
        part["of_tomorrow"] = [1]
    (tmp_path / FILE_NAME).write_text(json.dumps(content), encoding="utf-8")
    assert read_account(tmp_path) == account


def places(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """Every place in a record that a value is at; of a list its first element alone."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, *path, key)
    elif isinstance(value, list) and value:
        yield from places(value[0], *path, 0)


def test_a_value_of_a_wrong_type_is_one_line(content: Any, tmp_path: Path) -> None:
    free = ("census", "unknown")  # of the census is kept what its summary has
    wrong = []
    for path in list(places(content)):
        if not path or set(path) & set(free):
            continue
        for value in ([[]], {"a": {}}, "x", True, 10**400, math.nan, None):
            spoilt = copy.deepcopy(content)
            inner = spoilt
            for key in path[:-1]:
                inner = inner[key]
            if type(inner[path[-1]]) is type(value):
                continue
            inner[path[-1]] = value
            (tmp_path / FILE_NAME).write_text(json.dumps(spoilt), encoding="utf-8")
            try:
                account = read_account(tmp_path)
                for phase in account.phases:
                    phase_time(phase)
                node_accounts(account)
            except WarehouseError as error:
                if "simulate again" not in str(error) or "\n" in str(error):
                    wrong.append(f"{path}: {value!r:.20}: {error}")
            except Exception as error:  # noqa: BLE001  # all are told at the end
                wrong.append(f"{path}: {value!r:.20}: {error!r}")
    assert not wrong, "\n".join(wrong)


def test_the_run_of_another_project_has_a_record(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "projects" / "plain"
    project = Path(shutil.copytree(source, tmp_path / "project"))
    done = run_planwise(
        *("simulate", "--dbt-project", project, "--years", "2025-2026"),
        *("--database", "own.duckdb"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    details = read_account(RunFiles(tmp_path / "own.duckdb").work).details
    assert details is not None
    assert details.circumstances.census is None
