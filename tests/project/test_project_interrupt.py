"""Ctrl-C while dbt runs a long query: it stops, and the database is free. In a real process."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from project_runs import PROJECTS

from planwise.warehouse.lock import lock_file
from planwise.warehouse.opening import connect

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from project_runs import planwise_run
from planwise.warehouse.lock import database_lock

folder = Path(sys.argv[2])
try:
    with database_lock(folder / "planwise.duckdb"):
        planwise_run(Path(sys.argv[1]), folder, (2024,))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
"""
LONG = "select sum(a.i * b.i % 7) as n from range(10000000) as a(i), range(10000000) as b(i)"


def long_project(tmp_path: Path) -> Path:
    """A model that says that it has begun, and then takes for ever."""
    folder = tmp_path / "long"
    shutil.copytree(PROJECTS / "failing", folder)
    for name in ("broken", "after"):
        (folder / "models" / f"{name}.sql").unlink()
    begun = f"copy (select 1) to '{tmp_path / 'begun.csv'}'"
    (folder / "models" / "good.sql").write_text(f'{{{{ config(pre_hook="{begun}") }}}}\n{LONG}')
    return folder


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_stops_a_long_query(tmp_path: Path, times: int) -> None:
    """Also pressed twice, as people do; within seconds, where the query would take hours."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN, long_project(tmp_path), tmp_path, Path(__file__).parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            deadline = time.monotonic() + 60
            while not (tmp_path / "begun.csv").exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.3)  # into the query itself
            for _ in range(times):
                process.send_signal(signal.SIGINT)
                time.sleep(0.01)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert out == "interrupted\n"
    assert "Traceback" not in err
    connect(tmp_path / "planwise.duckdb").close()
    assert not lock_file(tmp_path / "planwise.duckdb").exists()
