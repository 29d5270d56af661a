"""A real payroll without levels, status or deferral rates: nothing is guessed in silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulate_runs import ROOT, clean_environment, query

FOLDER = Path(os.environ.get("PLANWISE_SHARED_DATA", ROOT.parent / "shared" / "data"))
CENSUS = FOLDER / "baltimore_fy2018_census.csv"

pytestmark = pytest.mark.skipif(not CENSUS.is_file(), reason="the Baltimore census is not here")


def test_the_baltimore_census_is_audited_and_simulated(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "planwise.cli.main", "simulate", "--census", str(CENSUS)),
            *("--census-date", "2018-06-30", "--years", "2019", "2020"),
            *("--database", "b.duckdb", "--output", "b.json"),
        ],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads((tmp_path / "b.json").read_text())
    census = found["census"]
    assert (census["rows_read"], census["people"]) == (13_683, 13_592)
    assert census["set_aside"] == {"missing_hire_date": 3, "hired_after_census": 88}
    # By name and reason, in the database and on the screen.
    audit = query(
        tmp_path / "b.duckdb",
        "select reason, count(*), count(employee_id), count(source_line) from inputs.census_audit"
        " where action = 'set_aside' group by reason order by reason",
    )
    assert audit == [("hired_after_census", 88, 88, 88), ("missing_hire_date", 3, 3, 3)]
    for text in ("set aside: 88 hired_after_census", "set aside: 3 missing_hire_date"):
        assert f"  {text} (" in done.stdout
    assert "13,683 rows read, 13,592 people on 2018-06-30" in done.stdout
    warned = [line for line in done.stdout.splitlines() if line.startswith("  warning: ")]
    assert census["warnings"]
    for reason, count in census["warnings"].items():
        assert any(f"{count:,} {reason}" in line for line in warned)
    assert any("pay" in reason for reason in census["warnings"])
    # Nobody is left in between: every row is simulated or set aside.
    assert query(tmp_path / "b.duckdb", "select count(*) from inputs.census") == [(13_592,)]
    assert [(row["opening"], row["closing"]) for row in found["headcount"]] == [
        (13_592, 14_000),
        (14_000, 14_420),
    ]
    assert found["headcount"][0]["target"] == 14_000
