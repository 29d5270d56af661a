"""The synthetic census: deterministic, and shaped like a large employer."""

from __future__ import annotations

import csv
import datetime
import hashlib
import os
import statistics
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from planwise.census import CensusOptions, LevelBand, generate_census, load_census
from planwise.census import distributions as shape
from planwise.errors import CensusError, PlanwiseError, UsageError

DAY = datetime.date(2024, 12, 31)
ROOT = Path(__file__).resolve().parents[2]
# Of 500 people, seed 42. A change here is a change of every synthetic census: say so in the notes.
GOLDEN = "021315b45e8b09338c540397018f790d1a7a66573c125c3fdf82cbb30c5c093d"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    path = tmp_path_factory.mktemp("generated") / "census.csv"
    generate_census(20_000, 42, path, DAY)
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def _years(start: datetime.date, end: datetime.date) -> int:
    """Completed years; who is born on 29 February has the anniversary on the 28th."""
    try:
        anniversary = start.replace(year=end.year)
    except ValueError:
        anniversary = start.replace(year=end.year, day=28)
    return end.year - start.year - (end < anniversary)


def test_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "a.parquet", "b.parquet"):
        generate_census(500, 42, tmp_path / name, DAY)
    first = (tmp_path / "a.csv").read_bytes()
    assert first == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    assert hashlib.sha256(first).hexdigest() == GOLDEN
    generate_census(500, 43, tmp_path / "c.csv", DAY)
    assert (tmp_path / "c.csv").read_bytes() != first


def test_the_number_of_threads_does_not_matter(tmp_path: Path) -> None:
    outputs = []
    for threads in (1, 7):
        output = tmp_path / f"{threads}.csv"
        code = (
            "import datetime, duckdb, functools, pathlib\n"
            f"duckdb.connect = functools.partial(duckdb.connect, config={{'threads': {threads}}})\n"
            "from planwise.census import generate_census\n"
            f"generate_census(130_000, 7, pathlib.Path({str(output)!r}), "
            "datetime.date(2024, 12, 31))\n"
        )
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        outputs.append(hashlib.sha256(output.read_bytes()).hexdigest())
    assert outputs[0] == outputs[1]


def test_a_person_is_the_same_in_a_census_of_any_size(
    tmp_path: Path, rows: list[dict[str, str]]
) -> None:
    generate_census(50, 42, tmp_path / "small.csv", DAY)
    with (tmp_path / "small.csv").open(newline="") as file:
        assert list(csv.DictReader(file)) == rows[:50]


def test_the_draws_agree_with_plain_python(rows: list[dict[str, str]]) -> None:
    ages = shape.age_table()
    thresholds = shape.level_thresholds(shape.DEFAULT_LEVEL_BANDS)
    points = {band.level: shape.pay_points(band) for band in shape.DEFAULT_LEVEL_BANDS}
    for k, row in enumerate(rows[:2000], start=1):
        text = hashlib.md5(f"census|42|0|{k}".encode(), usedforsecurity=False).hexdigest()
        u_age, u_birthday, u_tenure, u_level = (int(text[i : i + 8], 16) for i in (0, 8, 16, 24))
        _, age, group = ages[u_age * 10_000 >> 32]
        birth = DAY.replace(year=DAY.year - age) - datetime.timedelta(u_birthday * 365 >> 32)
        u = u_tenure >> 12
        tenure = u * 2**40 + 5 * u * u * 2**20 + 2 * u**3 >> 3
        try:
            of_age = birth.replace(year=birth.year + 18)
        except ValueError:
            of_age = birth.replace(year=birth.year + 18, day=28)
        hire = DAY - datetime.timedelta((DAY - of_age).days * tenure >> 60)
        level = 1 + sum(above > (u_level * 10_000 >> 32) for above in thresholds[group])
        text = hashlib.md5(f"census|42|1|{k}".encode(), usedforsecurity=False).hexdigest()
        u_pay = int(text[:8], 16)
        low, high = points[level][u_pay >> 22], points[level][(u_pay >> 22) + 1]
        pay = low + ((high - low) * (u_pay % 2**22) >> 22)
        assert row["employee_id"] == f"EMP{k:07d}"
        assert (_day(row["birth_date"]), _day(row["hire_date"])) == (birth, hire)
        assert (row["job_level"], row["annual_compensation"]) == (str(level), f"{pay}.00")


def test_ages_and_tenures(rows: list[dict[str, str]]) -> None:
    ages = [_years(_day(row["birth_date"]), DAY) for row in rows]
    assert (min(ages), max(ages)) == (20, 70)
    assert 40 <= statistics.median(ages) <= 44
    at_hire = [_years(_day(row["birth_date"]), _day(row["hire_date"])) for row in rows]
    assert min(at_hire) >= 18
    assert max(row["hire_date"] for row in rows) <= DAY.isoformat()
    tenures = [(DAY - _day(row["hire_date"])).days / 365.25 for row in rows]
    assert 4 <= statistics.median(tenures) <= 6
    counts = Counter(int(tenure) // 3 for tenure in tenures)
    decay = [counts[span] for span in range(10)]
    assert decay == sorted(decay, reverse=True)
    assert 0.18 < sum(tenure < 1 for tenure in tenures) / len(rows) < 0.24
    by_age = [
        statistics.median(t for t, a in zip(tenures, ages, strict=True) if low <= a < low + 10)
        for low in (25, 35, 45, 55)
    ]
    assert by_age == sorted(by_age)
    assert 2 < by_age[0] < 4
    assert 8 < by_age[3] < 12


def test_levels_and_pay(rows: list[dict[str, str]]) -> None:
    by_level: dict[int, list[float]] = {}
    for row in rows:
        by_level.setdefault(int(row["job_level"]), []).append(float(row["annual_compensation"]))
    for band in shape.DEFAULT_LEVEL_BANDS:
        pay = by_level[band.level]
        assert abs(len(pay) / len(rows) - float(band.share)) < 0.01
        assert float(band.minimum) <= min(pay) <= max(pay) <= float(band.maximum)
        # log-normal: the median is the geometric middle, and the mean is above it
        middle = float(band.minimum * band.maximum) ** 0.5
        assert abs(statistics.median(pay) / middle - 1) < 0.04
        assert statistics.mean(pay) > middle * 0.995
    young = [r for r in rows if _years(_day(r["birth_date"]), DAY) < 25]
    assert not [r for r in young if r["job_level"] == "5"]


def test_elections(rows: list[dict[str, str]]) -> None:
    settled = [r for r in rows if _years(_day(r["hire_date"]), DAY) >= 1]
    fresh = [r for r in rows if _years(_day(r["hire_date"]), DAY) < 1]

    def share(of: list[dict[str, str]]) -> float:
        return sum(float(r["deferral_rate"] or 0) > 0 for r in of) / len(of)

    assert 0.55 < share(settled) < 0.65
    assert 0.15 < share(fresh) < share(settled) / 1.5
    rates = Counter(row["deferral_rate"] for row in rows)
    assert set(rates) - {"", "0.00"} == {f"0.{p:02d}" for p, _ in shape.DEFERRAL_PERCENTS}
    assert max(rates, key=lambda rate: rates[rate] if float(rate or 0) else 0) == "0.06"
    assert 0.01 < rates["0.00"] / len(rows) < 0.05
    for row in rows:
        deferring = float(row["deferral_rate"] or 0) > 0
        assert bool(row["enrollment_date"]) == deferring
        if deferring:
            assert row["hire_date"] <= row["enrollment_date"] <= DAY.isoformat()
            assert _years(_day(row["birth_date"]), _day(row["enrollment_date"])) >= 21
        else:
            assert row["auto_escalation_opt_out"] == "false"


def test_the_rest(rows: list[dict[str, str]]) -> None:
    hours = Counter(row["scheduled_hours_per_week"] for row in rows)
    assert hours["40.00"] / len(rows) > 0.88
    assert {row["department"] for row in rows} == {name for name, _ in shape.DEPARTMENTS}
    assert {row["gender"] for row in rows} == {"F", "M", "X"}
    assert all("ssn" not in row for row in rows)
    for row in rows[:500]:
        rank = int(row["job_level"])
        assert row["job_title"] == shape.TITLES[rank - 1].format(row["department"])


def test_nothing_is_said_against_a_synthetic_census_and_csv_is_parquet(tmp_path: Path) -> None:
    tables = []
    for name in ("c.csv", "c.parquet"):
        generate_census(3000, 5, tmp_path / name, DAY)
        with duckdb.connect(":memory:") as connection:
            summary = load_census(connection, CensusOptions(tmp_path / name, DAY))
            assert summary.people == summary.rows_read == 3000
            assert summary.set_aside == summary.warnings == summary.repaired == {}
            assert set(summary.assumed) == {"everybody_employed", "deferral_unit_fraction"}
            assert not summary.columns_ignored
            tables.append(
                connection.execute("SELECT * EXCLUDE (source_line) FROM inputs.census").fetchall()
            )
    assert tables[0] == tables[1]


def test_levels_of_ones_own(tmp_path: Path) -> None:
    levels = [
        LevelBand(2, 50_000, 50_000, "0.5"),
        LevelBand(1, 20_000, 30_000, "0.25"),
        LevelBand(7, 60_000, 90_000, "0.25"),
    ]
    generate_census(4000, 1, tmp_path / "c.csv", DAY, levels=levels)
    with (tmp_path / "c.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    counts = Counter(row["job_level"] for row in found)
    assert set(counts) == {"1", "2", "7"}
    assert abs(counts["2"] / 4000 - 0.5) < 0.03
    assert {r["annual_compensation"] for r in found if r["job_level"] == "2"} == {"50000.00"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 100), min_size=1, max_size=9).filter(lambda parts: sum(parts) > 0))
def test_level_shares_hold_over_all_ages(parts: list[int]) -> None:
    shares = [Decimal(part) for part in parts]
    total = sum(shares)
    exact = [(share / total).quantize(Decimal("0.0001")) for share in shares]
    exact[0] += 1 - sum(exact)
    assume(exact[0] >= 0)
    levels = [LevelBand(n, 1, 2, share) for n, share in enumerate(exact, start=1)]
    thresholds = shape.level_thresholds(shape.check_levels(levels))
    weights = [sum(group.weights) for group in shape.AGE_GROUPS]
    for row in thresholds:
        assert list(row) == sorted(row, reverse=True)
        assert all(0 <= share <= shape.SHARE for share in row)
    for step in range(1, len(levels)):
        above = sum(w * row[step - 1] for w, row in zip(weights, thresholds, strict=True))
        wanted = float(sum(exact[step:]))
        # Where seniority asks for more than all of an age group, the share falls short.
        assert above / shape.SHARE**2 <= wanted + 0.001
        if wanted <= 0.1:
            assert abs(above / shape.SHARE**2 - wanted) < 0.001


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_pay_points_rise_from_edge_to_edge(low: int, width: int) -> None:
    points = shape.pay_points(LevelBand(1, low, low + width, 1))
    assert points == sorted(points)
    assert (points[0], points[-1]) == (low, low + width)
    assert len(points) == shape.PAY_STEPS + 1


BAD: list[tuple[dict[str, Any], type[PlanwiseError], str]] = [
    ({"employees": 0}, UsageError, "--employees 0: expected 1 to 50,000,000"),
    ({"employees": 50_000_001}, UsageError, "expected 1 to 50,000,000"),
    ({"output": "c.xlsx"}, UsageError, "expected a name that ends in .csv or .parquet"),
    ({"output": "census"}, UsageError, "expected a name that ends in .csv or .parquet"),
    ({"output": "no/c.csv"}, CensusError, "does not exist; create it"),
    ({"output": "file/c.csv"}, CensusError, "is not a folder; choose another place"),
    ({"output": "folder.csv"}, CensusError, "is a folder; name a file in it"),
    ({"output": "there.csv"}, UsageError, "is there already"),
    ({"output": "x" * 254 + ".csv"}, CensusError, "the name is too long"),
    ({"census_date": datetime.date(1949, 12, 31)}, UsageError, "expected a year from 1950 on"),
    ({"levels": []}, UsageError, "expected 1 to 9"),
    ({"levels": [LevelBand(1, 1, 2, "0.9")]}, UsageError, "sum to exactly 1"),
    ({"levels": [LevelBand(1, 3, 2, 1)]}, UsageError, "level 1: expected a band"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_requests_are_one_line_and_leave_nothing(
    tmp_path: Path, change: dict[str, Any], error: type[PlanwiseError], message: str
) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "there.csv").write_text("precious")
    before = sorted(tmp_path.rglob("*"))
    request = {"employees": 5, "seed": 1, "output": "c.csv", "census_date": DAY} | change
    request["output"] = tmp_path / request["output"]
    with pytest.raises(error, match=message) as caught:
        generate_census(**request)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "there.csv").read_text() == "precious"


def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0  # who may write everywhere
    try:
        if root:
            os.seteuid(65534)
        with pytest.raises(CensusError, match="may not be written by this user"):
            generate_census(5, 1, tmp_path / "c.csv", DAY)
    finally:
        if root:
            os.seteuid(0)
        tmp_path.chmod(0o755)


def test_a_file_is_replaced_only_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("old")
    generate_census(5, 1, path, DAY, overwrite=True)
    assert path.read_text().count("\n") == 6
    assert [entry.name for entry in tmp_path.iterdir()] == ["c.csv"]


@pytest.mark.parametrize("name", ["c.csv", "c.parquet"])
def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    """The file size limit of the process stands for a full disk: write() fails after 64 KiB."""
    (tmp_path / name).write_text("old")
    code = (
        "import datetime, pathlib, resource, signal, duckdb, pyarrow.parquet\n"
        "from planwise.census import generate_census\n"
        "from planwise.errors import CensusError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n"
        "try:\n"
        f"    generate_census(20_000, 1, pathlib.Path({str(tmp_path / name)!r}), "
        "datetime.date(2024, 12, 31), overwrite=True)\n"
        "except CensusError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "old"


def test_an_interrupted_generation_leaves_nothing(tmp_path: Path) -> None:
    """SIGINT while people are being written."""
    code = (
        "import datetime, pathlib, os, signal, sys, threading\n"
        "from planwise.census import generate_census, output\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def watch():\n"
        "    while not any(p.stat().st_size for p in folder.glob('.*.tmp')):\n"
        "        pass\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "try:\n"
        "    generate_census(3_000_000, 1, folder / 'c.csv', datetime.date(2024, 12, 31))\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(130)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 130, done.stderr
    assert list(tmp_path.iterdir()) == []
