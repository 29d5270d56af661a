"""A year is there as a whole or not at all, also where dbt runs its nodes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import project_runs
import pytest
from project_runs import Run, executors, planwise_run, with_plugins
from transaction_project import FILES, YEARLY, waiting, write_shared

from planwise.errors import ProjectError
from planwise.warehouse.opening import connect

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from project_runs import planwise_run, with_plugins

try:
    relay = with_plugins("precompile", "batching")
    planwise_run(Path(sys.argv[1]), Path(sys.argv[2]), (2024, 2025), relay=relay)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""


@contextmanager
def begun(project: Path, folder: Path, marker: Path) -> Iterator[subprocess.Popen[str]]:
    """A run in a process of its own that has come to where it waits."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", RUN, project, folder, Path(__file__).parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not marker.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield process
        finally:
            process.kill()


def left_in(folder: Path) -> dict[str, list[tuple[int, ...]]]:
    """The years in each table that is there."""
    connection = connect(folder / "planwise.duckdb")
    try:
        tables = [
            row[0]
            for row in connection.execute("select table_name from duckdb_tables()").fetchall()
        ]
        return {
            name: connection.execute(f"select y from {name} order by 1").fetchall()
            for name in sorted(tables)
        }
    finally:
        connection.close()


WHOLE = {name: [(2024,)] for name in ("first", "kept", "last", "middle", "scaled")}


def test_a_kill_between_two_nodes_of_dbt_leaves_whole_years(tmp_path: Path) -> None:
    """Of the second year two nodes are done, and two are not begun."""
    marker = tmp_path / "begun"
    project = write_shared(tmp_path / "project", scaled=waiting(marker, 2025))
    with begun(project, tmp_path / "run", marker) as process:
        process.kill()
        process.wait()
    assert left_in(tmp_path / "run") == WHOLE


def test_a_kill_in_the_first_year_leaves_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "begun"
    project = write_shared(tmp_path / "project", scaled=waiting(marker, 2024))
    with begun(project, tmp_path / "run", marker) as process:
        process.kill()
        process.wait()
    assert left_in(tmp_path / "run") == {}


def test_ctrl_c_in_a_statement_of_dbt_undoes_the_year(tmp_path: Path) -> None:
    """At once, where the statement would take hours."""
    marker = tmp_path / "begun"
    long = (
        "session.execute('select sum(a.i * b.i % 7) from range(10000000) a(i), "
        "range(10000000) b(i)')"
    )
    project = write_shared(tmp_path / "project", scaled=waiting(marker, 2025, long))
    with begun(project, tmp_path / "run", marker) as process:
        time.sleep(0.3)  # into the statement itself
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "interrupted\n"), err
    assert "Traceback" not in err
    assert left_in(tmp_path / "run") == WHOLE


def test_a_relation_of_a_python_model_that_fails_undoes_its_year(tmp_path: Path) -> None:
    """No statement that planwise looks at; and another node comes after it."""
    fails = "session.sql(\"select error('no such year')\").fetchall()"
    model = waiting(tmp_path / "begun", 2025, fails)
    project = write_shared(
        tmp_path / "project", scaled=model, zz="select y from {{ ref('middle') }}"
    )
    with pytest.raises(ProjectError, match=r"^scaled failed in year 2025: .*no such year"):
        planwise_run(project, tmp_path, (2024, 2025), relay=with_plugins("batching"))
    assert left_in(tmp_path) == WHOLE


LEFT_OVER = {
    "passed_over": "try:\n            session.sql(\"select error('x')\").fetchall()\n"
    "        except Exception:\n            pass",
    "set": "session.sql(\"set default_null_order = 'nulls_first'\")",
}


@pytest.mark.parametrize("case", LEFT_OVER)
def test_a_python_model_that_leaves_something_runs_outside(tmp_path: Path, case: str) -> None:
    model = waiting(tmp_path / "begun", 2025, LEFT_OVER[case])
    project = write_shared(tmp_path / "project", scaled=model)
    run = planwise_run(project, tmp_path, (2024, 2025))
    reasons = {model.reason for model in run.result.year_phases[1].models}
    assert any("dbt commits it by itself" in reason for reason in reasons), reasons
    assert run.query("select y from last order by 1") == [(2024,), (2025,)]


@pytest.mark.parametrize("plugins", [(), ("precompile",)], ids=["dbt", "precompile"])
def test_a_node_that_fails_undoes_its_year(tmp_path: Path, plugins: tuple[str, ...]) -> None:
    """With dbt's own message."""
    year = "{{ var('simulation_year') }}"
    fails = FILES["models/last.sql"].replace(
        f"select {year}",
        f"select case when {year} > 2024 then error('no such year') else {year} end",
    )
    project = write_shared(tmp_path / "project", last=fails)
    relay = with_plugins(*plugins) if plugins else None
    with pytest.raises(ProjectError, match=r"^last failed in year 2025: .*no such year"):
        planwise_run(project, tmp_path, (2024, 2025), relay=relay)
    assert left_in(tmp_path) == WHOLE


def test_a_reader_never_sees_half_a_year(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another connection, beside the run."""
    seen: set[tuple[tuple[int, ...], ...]] = set()
    over = threading.Event()

    def read() -> None:
        with duckdb.connect(str(tmp_path / "planwise.duckdb")) as connection:
            while not over.is_set():
                connection.execute("begin")
                tables = connection.execute("select count(*) from duckdb_tables()").fetchall()
                seen.add(
                    tuple(
                        tuple(connection.execute(f"select y from {name} order by 1").fetchall())
                        for name in YEARLY
                    )
                    if tables != [(0,)]
                    else ()
                )
                connection.execute("commit")

    reader = threading.Thread(target=read)

    def digests(_: Path) -> dict[str, Any]:
        """Which would open the file for reading only, beside a connection that writes."""
        over.set()
        reader.join()
        return {}

    monkeypatch.setattr(project_runs, "digests", digests)
    reader.start()
    try:
        planwise_run(write_shared(tmp_path / "project"), tmp_path, (2024, 2025, 2026))
    finally:
        over.set()
        reader.join()
    rows = [((2024,),), ((2024,), (2025,)), ((2024,), (2025,), (2026,))]
    assert {(each,) * len(YEARLY) for each in rows[:2]} <= seen
    assert seen <= {(), *((each,) * len(YEARLY) for each in rows)}


LEAVES = {
    "checkpoint": ("pre_hook='checkpoint'", "cannot be undone.*checkpoint"),
    "set": ("pre_hook=\"set default_null_order = 'nulls_first'\"", "cannot be undone.*set default"),
    "attach": ("pre_hook=\"attach ':memory:' as beside\", post_hook='detach beside'", "attach"),
    "commit": ("pre_hook='commit; begin'", "cannot be undone.*commit"),
    "outside": (
        "post_hook={'sql': 'vacuum', 'transaction': false}",
        "middle has a hook outside of the transaction",
    ),
    "external": (
        "materialized='external', location=var('simulation_year') ~ '.parquet'",
        "middle writes a file",
    ),
}

MIDDLE = FILES["models/middle.sql"].splitlines()[-1]
"""The select of the node."""


@pytest.mark.parametrize("case", LEAVES)
@pytest.mark.parametrize("plugins", [(), ("precompile",)], ids=["dbt", "precompile"])
def test_what_a_transaction_does_not_take_is_left_to_dbt(
    tmp_path: Path, case: str, plugins: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the tables that come of it, and a reason that the report shows."""
    monkeypatch.chdir(tmp_path)
    config, reason = LEAVES[case]
    kind = "" if "materialized" in config else "materialized='incremental', unique_key='y', "
    middle = f"{{{{ config({kind}{config}) }}}}\n{MIDDLE}"
    project = write_shared(tmp_path / "project", middle=middle)
    relay = with_plugins(*plugins) if plugins else None
    run = planwise_run(project, tmp_path, (2024, 2025), relay=relay)
    assert run.query("select y from last order by 1") == [(2024,), (2025,)]
    for phase in run.result.year_phases:
        (found,) = [model.reason for model in phase.models if model.name == "middle"]
        assert "dbt commits it by itself: " in found
        assert re.search(reason, found), found


def test_what_needs_nothing_else_stays_in_the_transaction(tmp_path: Path) -> None:
    project = write_shared(tmp_path / "project")
    run: Run = planwise_run(project, tmp_path, (2024, 2025))
    assert {who for each in executors(run).values() for who in each} == {"dbt"}
    assert {model.reason for phase in run.result.year_phases for model in phase.models} == {""}
    assert run.query("select y from middle order by 1") == [(2024,), (2025,)]
