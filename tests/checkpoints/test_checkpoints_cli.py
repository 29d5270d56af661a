"""``planwise checkpoints`` as its users call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from checkpoint_states import LEDGER, PEOPLE, people, state, whole_ledger, with_compression

from planwise.checkpoints.codec import bit_equal
from planwise.checkpoints.store import CheckpointStore
from planwise.run_files import RunFiles

COMMAND = [sys.executable, "-m", "planwise.cli.main", "checkpoints"]


def run(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PLANWISE_")}
    return subprocess.run(
        [*COMMAND, *words], cwd=cwd, env=clean, capture_output=True, text=True, timeout=120
    )


def printed(*words: str | Path, cwd: Path, code: int = 0) -> list[str]:
    done = run(*words, cwd=cwd)
    assert done.returncode == code, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def refused(*words: str | Path, cwd: Path, code: int) -> str:
    done = run(*words, cwd=cwd)
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("planwise: ")
    return line


def fill(folder: Path, years: range) -> CheckpointStore:
    store = CheckpointStore(folder, full_every=2)
    for year in years:
        parent = store.parent_of(year)
        tables = state(year, added=parent is not None)
        store.write(year, tables, with_compression(), parent=parent, origin={"planwise": "0.1"})
    return store


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A result with three years, and a run that was stopped after two others."""
    files = RunFiles(tmp_path / "output" / "simulation.duckdb")
    fill(files.checkpoints, range(2025, 2028))
    fill(files.building_checkpoints, range(2026, 2028))
    return tmp_path


def finished(place: Path) -> CheckpointStore:
    return CheckpointStore(RunFiles(place / "output" / "simulation.duckdb").checkpoints)


def unfinished(place: Path) -> CheckpointStore:
    return CheckpointStore(RunFiles(place / "output" / "simulation.duckdb").building_checkpoints)


def test_list_says_what_is_stored_and_whose(place: Path) -> None:
    lines = printed("list", cwd=place)
    work = place / "output" / "simulation.duckdb.planwise"
    assert lines[0] == f"the finished result: {work}/checkpoints"
    assert lines[1].split()[:4] == ["year", "kind", "tables", "rows"]
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["2025", "full"],
        ["2026", "against"],
        ["2027", "full"],
    ]
    assert lines[3].split()[1:3] == ["against", "2025"]
    assert all("parquet+lz4" in line for line in lines[2:5])
    assert f"the unfinished run: {work}/building/checkpoints" in lines
    assert not any("\x1b" in line for line in lines)


def test_list_as_json_has_the_same_figures(place: Path) -> None:
    done = run("list", "--json", cwd=place)
    places = json.loads(done.stdout)["places"]
    assert [each["of"] for each in places] == ["finished", "unfinished"]
    store = finished(place)
    for facts in places[0]["checkpoints"]:
        assert facts["stored_bytes"] == store.size_bytes(facts["year"])
        assert facts["ratio"] == facts["raw_bytes"] / facts["stored_bytes"]
        assert facts["origin"] == {"planwise": "0.1"}
        assert facts["tables"] == 3
    assert [facts["parent"] for facts in places[0]["checkpoints"]] == [None, 2025, None]


def test_list_names_a_manifest_that_is_damaged(place: Path) -> None:
    (finished(place).folder / "2026" / "manifest.json").write_text("{}")
    lines = printed("list", cwd=place)
    assert "2026  cannot be read: see below" in lines[3]
    assert any(line.startswith("2026: ") and line.endswith("it holds") for line in lines)


def test_verify_says_ok_or_why_not(place: Path) -> None:
    lines = printed("verify", cwd=place)
    assert [line for line in lines if line.endswith(": OK")] == [
        f"{year}: OK" for year in (2025, 2026, 2027, 2026, 2027)
    ]
    file = finished(place).folder / "2025" / "0.state"
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)
    lines = printed("verify", cwd=place, code=1)
    cause = f"{file}: damaged: its SHA-256 is not the manifest's"
    assert lines[1:4] == [f"2025: {cause}", f"2026: {cause}", "2027: OK"]


def test_prune_keeps_the_last_and_what_they_need(place: Path) -> None:
    size = finished(place).size_bytes(2025) + finished(place).size_bytes(2026)
    assert printed("prune", "--keep-last", "1", cwd=place) == [
        f"the finished result: removed 2025, 2026: {size:,} bytes freed",
        "the unfinished run: 2026 stays: 2027 cannot be read without it",
        "the unfinished run: nothing to remove",
    ]
    assert finished(place).years() == [2027]
    assert unfinished(place).years() == [2026, 2027]
    assert not (place / "output" / "simulation.duckdb.lock").exists()


def test_prune_removes_the_years_that_are_named(place: Path) -> None:
    lines = printed("prune", "output/simulation.duckdb", "--years", "2025", "2027", cwd=place)
    assert lines[0] == "the finished result: 2025 stays: 2026 cannot be read without it"
    assert lines[1].startswith("the finished result: removed 2027: ")
    assert finished(place).years() == [2025, 2026]
    assert unfinished(place).years() == [2026]
    assert len(printed("prune", "--keep-last", "0", cwd=place)) == 2
    assert finished(place).years() == []
    assert printed("prune", "--keep-last", "3", cwd=place) == ["no checkpoints: nothing to remove"]


HOLD = """
import sys
from pathlib import Path
from planwise.warehouse.lock import database_lock
with database_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_while_a_run_goes_on_years_are_read_and_none_is_removed(place: Path) -> None:
    database = place / "output" / "simulation.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        text = refused("prune", "--keep-last", "1", cwd=place, code=1)
        assert f"in use by another planwise, process {holder.pid}" in text
        assert finished(place).years() == [2025, 2026, 2027]
        assert printed("verify", cwd=place)
        assert printed("list", cwd=place)
        lines = printed("export", "2027", "--output", "state", cwd=place)
        assert lines[-1] == "state: the state of 2027 of the unfinished run, written"
        holder.communicate("")


def test_export_writes_the_rows_of_the_year(place: Path) -> None:
    lines = printed("export", "2026", "--output", "state", "--finished", cwd=place)
    assert lines == [
        "main.people: 2,020 rows in main.people.parquet",
        "main.ledger: 400 rows in main.ledger.parquet",
        "other.rates: 4 rows in other.rates.parquet",
        "state: the state of 2026 of the finished result, written",
    ]
    expected = {PEOPLE: people(2026, 2_000), LEDGER: whole_ledger(2026, 2_000)}
    for relation, table in expected.items():
        written = pq.read_table(place / "state" / f"{'.'.join(relation)}.parquet")
        assert written.column_names == table.column_names
        assert bit_equal(written.cast(table.schema), table)
    text = refused("export", "2026", "--output", "state", cwd=place, code=2)
    assert "--force" in text
    printed("export", "2026", "--output", "state", "--force", cwd=place)


def test_export_of_a_damaged_year_leaves_no_file(place: Path) -> None:
    (finished(place).folder / "2025" / "1.state").write_bytes(b"x")
    text = refused("export", "2025", "--output", "state", cwd=place, code=1)
    assert "1.state: damaged: 1 bytes, expected" in text
    assert not (place / "state").exists()
    assert [path.name for path in place.iterdir()] == ["output"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["list", "none.duckdb"], 1, "neither a result nor a run is there"),
        (["verify", "none.duckdb"], 1, "neither a result nor a run is there"),
        (["prune", "none.duckdb", "--keep-last", "1"], 1, "neither a result nor a run is there"),
        (["export", "2025", "none.duckdb", "--output", "x"], 1, "neither a result nor a run"),
        (["prune"], 2, "one of the arguments --keep-last --years is required"),
        (["prune", "--keep-last", "-1"], 2, "--keep-last: expected 0 or more, got -1"),
        (["prune", "--keep-last", "x"], 2, "--keep-last"),
        (["prune", "--years", "2031"], 2, "no checkpoint of 2031; there are: 2025, 2026, 2027"),
        (["prune", "--years", "soon"], 2, "--years: expected years like"),
        (["prune", "--years", "2025", "a.duckdb"], 2, "a file goes before --years"),
        (["prune", "--keep-last", "1", "--years", "2025"], 2, "not allowed with"),
        (["export", "2031", "--output", "x"], 2, "no checkpoint of 2031; there are: 2025, 2026"),
        (["export", "2025"], 2, "--output"),
        (["export", "soon", "--output", "x"], 2, "YEAR"),
        ([], 2, "ACTION"),
    ],
    ids=str,
)
def test_a_wrong_request_is_one_line(place: Path, words: list[str], code: int, said: str) -> None:
    assert said in refused(*words, cwd=place, code=code)
    assert [path.name for path in place.iterdir()] == ["output"]


@pytest.mark.slow
def test_the_checkpoints_of_a_real_run(tmp_path: Path) -> None:
    """From a simulation to Parquet files with the rows of its tables."""
    import duckdb

    main = [sys.executable, "-m", "planwise.cli.main"]
    for words in (
        ["census", "generate", "--employees", "200", "--output", "census.csv"],
        ["simulate", "--census", "census.csv", "--years", "2025", "2026"],
    ):
        done = subprocess.run([*main, *words], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert printed("verify", cwd=tmp_path)[1:] == ["2025: OK", "2026: OK"]
    printed("export", "2026", "--output", "state", cwd=tmp_path)
    with duckdb.connect(str(tmp_path / "output" / "simulation.duckdb"), read_only=True) as database:
        for file in (tmp_path / "state").iterdir():
            stored, table = f"from '{file}'", f"from {file.stem}"
            for one, other in ((stored, table), (table, stored)):
                assert database.execute(f"{one} except all {other}").fetchall() == []
            assert database.execute(f"select count(*) {stored}").fetchall() != [(0,)]
