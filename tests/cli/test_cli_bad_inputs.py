"""Bad input: one line that names cause and mend, the promised code, and nothing half-written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from cli_runs import YEARS, planwise, refused, results, tree

RUN = ("simulate", "--census", "census.csv", *YEARS)

# Arguments after `simulate --census census.csv`, the exit code, words of the line.
ARGUMENTS: dict[str, tuple[tuple[str, ...], int, tuple[str, ...]]] = {
    "years reversed": (("--years", "2026", "2025"), 2, ("--years", "ascend")),
    "range reversed": (("--years", "2029-2025"), 2, ("runs backwards", "2025-2029")),
    "year twice": (("--years", "2025", "2025"), 2, ("2025 is given twice",)),
    "year twice by range": (("--years", "2025-2027", "2026"), 2, ("2026 is given twice",)),
    "gap": (("--years", "2025", "2027"), 2, ("2026 is missing",)),
    "garbage year": (("--years", "20x5"), 2, ("'20x5'", "2025-2029")),
    "negative year": (("--years", "-2025"), 2, ("'-2025'",)),
    "huge year": (("--years", "99999999999999999999"), 2, ("--years",)),
    "early year": (("--years", "1800"), 2, ("1900 to 2200",)),
    "late year": (("--years", "2200-2201"), 2, ("1900 to 2200",)),
    "no year": (("--years",), 2, ("--years", "at least one")),
    "only a comma": (("--years", ","), 2, ("at least one year",)),
    "unknown flag": (("--nonsense",), 2, ("--nonsense", "planwise simulate --help")),
    "misspelt flag": (("--sed", "3"), 2, ("--sed", "did you mean --seed?")),
    "abbreviated flag": (("--data", "x"), 2, ("--data",)),
    "unknown plugin": (("--no-nonsense",), 2, ("'nonsense'", "installed: ")),
    "misspelt plugin": (("--no-compresion",), 2, ("did you mean --no-compression?",)),
    "unknown option of a plugin": (("--compression-foo", "3"), 2, ("--compression-foo",)),
    "wrong value of a plugin's option": (
        ("--compression-codec", "rar"),
        2,
        ("--compression-codec", "lz4", "rar"),
    ),
    "stray word": (("extra", *YEARS), 2, ("extra",)),
    "pool of 0": (("--pool-size", "0"), 2, ("pool size", "1 to 64", "0")),
    "pool of 65": (("--pool-size", "65"), 2, ("pool size", "1 to 64", "65")),
    "pool of x": (("--pool-size", "x"), 2, ("--pool-size", "'x'")),
    "negative seed": (("--seed", "-1"), 2, ("--seed", "2^63-1", "'-1'")),
    "seed too large": (("--seed", str(2**63)), 2, ("--seed", "2^63-1")),
    "seed in words": (("--seed", "luck"), 2, ("--seed", "'luck'")),
    "junk memory": (("--memory-limit", "junk"), 2, ("--memory-limit", "4GB", "'junk'")),
    "no memory": (("--memory-limit", "0GB"), 2, ("--memory-limit", "'0GB'")),
    "no threads": (("--threads", "0"), 2, ("--threads", "1 to 1024")),
    "an option of a plugin that is off": (
        ("--telemetry-otel-file", "spans.jsonl"),
        2,
        ("--telemetry-otel-file", "is off", "add --telemetry"),
    ),
    "all and not all": (("--enable-all-optimizations", "--no-batching"), 2, ("contradict",)),
    "no date": (("--census-date", "31.12.2024"), 2, ("--census-date", "2024-12-31")),
    "census date after the start": (
        ("--census-date", "2025-01-01", *YEARS),
        1,
        ("--census-date 2025-01-01", "2024-12-31 or earlier"),
    ),
    "no project": (("--dbt-project", "nowhere"), 1, ("nowhere", "--dbt-project")),
    "project is a file": (("--dbt-project", "census.csv"), 1, ("census.csv", "dbt_project.yml")),
    "no config": (("--config", "nowhere.yaml"), 1, ("nowhere.yaml",)),
    "output is a folder": (("--output", "output"), 2, ("--output", "folder")),
    "output is the census": (("--output", "census.csv"), 2, ("--output", "census.csv")),
    "output is the database": (
        ("--output", "output/../output/simulation.duckdb"),
        2,
        ("--output", "database"),
    ),
    "output of another format": (("--output", "cost.XLSX"), 2, ("--output", "results.json")),
    "output under a file": (("--output", "census.csv/x.json"), 2, ("--output",)),
    "database is a folder": (("--database", "output"), 2, ("output", "folder")),
    "database is the census": (("--database", "census.csv"), 1, ("census.csv", "no DuckDB")),
    "database under a file": (("--database", "census.csv/x.duckdb"), 1, ("census.csv",)),
    "database named like a schema": (("--database", "Inputs.duckdb"), 2, ("schema",)),
    "quote in the database's name": (("--database", "o'b.duckdb"), 2, ("o'b.duckdb",)),
    "newline in the database's name": (("--database", "a\nb.duckdb"), 2, ("a b.duckdb", "'\\n'")),
    "braces in the database's name": (("--database", "{{x}}.duckdb"), 2, ("'{'",)),
    "database of another code": (("--database", "\udcff.duckdb"), 2, ("\\udcff", "UTF-8")),
}


@pytest.mark.parametrize(("arguments", "code", "words"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_wrong_argument_is_one_line(
    project: Path, arguments: tuple[str, ...], code: int, words: tuple[str, ...]
) -> None:
    look = tree if code == 2 else results  # wrong usage is known before dbt reads its cache
    before = look(project)
    done = planwise("simulate", "--census", "census.csv", *arguments, cwd=project)
    refused(done, code, *words)
    assert done.stdout == ""
    assert look(project) == before


# Folders that not even root can write to.
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--output", "/proc/planwise/results.json"), 2),
        (("--output", "/proc/results.json"), 2),
        (("--database", "/proc/simulation.duckdb"), 1),
        (("--database", "/proc/planwise/deeper/simulation.duckdb"), 1),
        (("--database", "/proc/simulation.duckdb", "--dry-run"), 1),
        (("--database", "/proc/planwise/deeper/simulation.duckdb", "--dry-run"), 1),
    ],
)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_a_read_only_place_is_one_line_and_known_before_the_run(
    project: Path, arguments: tuple[str, ...], code: int
) -> None:
    before = tree(project)
    refused(planwise(*RUN, *arguments, cwd=project), code, "/proc", "cannot be written")
    assert tree(project) == before


def test_a_folder_without_write_permission(project: Path) -> None:
    (project / "closed").mkdir(mode=0o500)
    try:
        (project / "closed" / "probe").touch()
    except PermissionError:
        done = planwise(*RUN, "--database", "closed/x.duckdb", cwd=project)
        refused(done, 1, "closed", "cannot be written")
    else:
        pytest.skip("this user writes everywhere; /proc stands for such a folder above")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DUCKDB_THREADS", "junk"),
        ("DUCKDB_THREADS", "0"),
        ("DUCKDB_THREADS", "²"),
        ("DUCKDB_THREADS", "9" * 5000),
        ("DUCKDB_MEMORY_LIMIT", "lots"),
        ("DUCKDB_MEMORY_LIMIT", "٣GB"),
        ("DBT_PARTIAL_PARSE", "maybe"),
    ],
)
def test_a_wrong_variable_is_one_line(project: Path, variable: str, value: str) -> None:
    before = tree(project)
    refused(planwise(*RUN, cwd=project, more={variable: value}), 2, variable, "expected")
    assert tree(project) == before


CENSUSES: dict[str, tuple[str, bytes | None, tuple[str, ...]]] = {
    "missing": ("nowhere.csv", None, ("nowhere.csv", "no such file")),
    "a folder": ("output", None, ("output", "folder")),
    "empty": ("bad.csv", b"", ("bad.csv", "empty")),
    "a header alone": ("bad.csv", b"employee_id,birth_date\n", ("bad.csv",)),
    "wrong columns": ("bad.csv", b"colour,size\nred,3\n", ("bad.csv", "employee_id")),
    "not UTF-8": ("bad.csv", b"employee_id,\xff\xfe\n1,2\n", ("bad.csv",)),
    "a zip": ("bad.csv", b"PK\x03\x04xxxxxxxxxxxxxxx", ("bad.csv", "zip")),
    "no Parquet": ("bad.parquet", b"PAR1 nothing PAR1", ("bad.parquet",)),
    "another suffix": ("bad.docx", b"x", ("bad.docx", ".csv")),
    "all rows bad": (
        "bad.csv",
        b"employee_id,birth_date,hire_date,annual_compensation\n1,x,y,z\n2,,,\n",
        ("bad.csv", "none of the 2 rows"),
    ),
}


@pytest.mark.parametrize(("name", "content", "words"), CENSUSES.values(), ids=CENSUSES)
def test_an_unusable_census_is_one_line(
    project: Path, name: str, content: bytes | None, words: tuple[str, ...]
) -> None:
    if content is not None:
        (project / name).write_bytes(content)
    before = tree(project)
    done = planwise(*("inputs", *YEARS, "--census", name, "--database", "new.duckdb"), cwd=project)
    refused(done, 1, *words)
    assert tree(project) == before


@pytest.mark.parametrize("case", ["missing", "all rows bad"])
def test_an_unusable_census_leaves_the_old_result(project: Path, case: str) -> None:
    name, content, words = CENSUSES[case]
    if content is not None:
        (project / name).write_bytes(content)
    before = results(project)
    refused(planwise("simulate", *YEARS, "--census", name, cwd=project), 1, *words)
    assert results(project) == before


PROJECTS = {
    "no profile": ("name: x\n", ("key 'profile'",)),
    "broken YAML": ("name: [x\n", ("dbt_project.yml", "cannot be read")),
    "a list": ("- x\n", ("dbt_project.yml", "profile")),
    "nothing else": ("profile: x\n", ()),
}


@pytest.mark.parametrize(("content", "words"), PROJECTS.values(), ids=PROJECTS)
def test_an_unusable_dbt_project_is_one_line(
    project: Path, content: str, words: tuple[str, ...]
) -> None:
    (project / "broken").mkdir()
    (project / "broken" / "dbt_project.yml").write_text(content)
    before = results(project)
    refused(planwise(*RUN, "--dbt-project", "broken", cwd=project), 1, "broken", *words)
    assert results(project) == before


def test_a_model_that_fails_is_one_line_and_leaves_the_old_result(project: Path) -> None:
    shutil.copytree(Path(__file__).parents[2] / "dbt", project / "dbt")
    model = project / "dbt" / "models" / "year" / "int_hires.sql"
    model.write_text(model.read_text() + "\nwhere 1 = no_such_column\n")
    before = results(project)
    refused(planwise(*RUN, cwd=project), 1, "int_hires", "year 2025", "no_such_column")
    after = results(project)
    assert after.pop("output/simulation.duckdb.planwise/unfinished.json")  # beside the old result
    assert after == before


CONFIGS: dict[str, tuple[bytes, int, tuple[str, ...]]] = {
    "broken YAML": (b"workforce: [1, 2\n", 1, ("here.yaml:",)),
    "a tab": (b"workforce:\n\tgrowth_rate: 1\n", 1, ("here.yaml:2",)),
    "unknown key": (b"workforce:\n  grwth_rate: 0.03\n", 1, ("here.yaml:2", "growth_rate")),
    "wrong type": (b"workforce:\n  growth_rate: much\n", 1, ("growth_rate", "much")),
    "impossible value": (b"workforce:\n  termination_rate: 1.5\n", 1, ("termination_rate",)),
    "two at once": (
        b"workforce:\n  grwth_rate: 0.03\nperformance:\n  pool_size: 0\n",
        2,
        ("here.yaml:2", "here.yaml:4", "pool_size"),
    ),
    "not text": (b"\xff\xfe\x00", 1, ("here.yaml",)),
}


@pytest.mark.parametrize(("content", "lines", "words"), CONFIGS.values(), ids=CONFIGS)
def test_every_problem_of_a_config_is_a_line(
    project: Path, content: bytes, lines: int, words: tuple[str, ...]
) -> None:
    (project / "here.yaml").write_bytes(content)
    before = results(project)
    done = planwise("simulate", *YEARS, "--config", "here.yaml", cwd=project)
    refused(done, 1, *words, lines=lines)
    assert results(project) == before


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"plugins:\n  compresion:\n    enabled: false\n", "compression"),
        (b"plugins:\n  compression:\n    levle: 3\n", "levle"),
    ],
    ids=["unknown plugin", "unknown option"],
)
def test_plugins_in_the_config_are_checked(project: Path, content: bytes, word: str) -> None:
    (project / "here.yaml").write_bytes(content)
    done = planwise(*RUN, "--config", "here.yaml", cwd=project)
    refused(done, 2, word)


def _garbage(file: Path) -> None:
    file.write_bytes(bytes(range(256)) * 100)


def _truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20_000])


def _flipped(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for position in range(4096, len(content), 7):
        content[position] ^= 0x55
    file.write_bytes(content)


def _text(file: Path) -> None:
    file.write_text("employee_id\n1\n")


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _sqlite(file: Path) -> None:
    import sqlite3

    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("create table t (a)")
    connection.close()


@pytest.mark.parametrize("damage", [_garbage, _truncated, _flipped, _text, _empty, _sqlite])
@pytest.mark.parametrize("command", ["simulate", "digest"])
def test_what_is_no_sound_database_is_refused_and_kept(
    project: Path, damage: Callable[[Path], None], command: str
) -> None:
    file = project / "output" / "simulation.duckdb"
    damage(file)
    before = tree(project)
    arguments = RUN if command == "simulate" else ("digest", str(file))
    done = planwise(*arguments, cwd=project)
    refused(done, 1, "simulation.duckdb")
    # Nobody holds it, and nothing is fetched to read it.
    assert "in use" not in done.stderr
    assert "download" not in done.stderr
    assert tree(project) == before


def test_a_digest_of_nothing_is_one_line(project: Path) -> None:
    for name in ("nowhere.duckdb", "output", "census.csv"):
        refused(planwise("digest", name, cwd=project), 1, name)
    refused(planwise("digest", cwd=project), 2, "DB")
    refused(planwise("digest", "a", "b", cwd=project), 2, "b", "planwise digest --help")


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--output", "census.csv"), 2, "there already"),
        (("--output", "x.txt"), 2, ".parquet"),
        (("--output", "x.csv", "--employees", "0"), 2, "--employees"),
        (("--output", "x.csv", "--employees", "ten"), 2, "'ten'"),
        (("--output", "x.csv", "--seed", "-1"), 2, "--seed"),
        (("--output", "x.csv", "--census-date", "soon"), 2, "'soon'"),
        (("--output", "nowhere/x.csv"), 1, "nowhere"),
        (("--output", "output"), 2, "output"),
        ((), 2, "--output"),
    ],
)
def test_a_census_that_cannot_be_made_is_one_line(
    project: Path, arguments: tuple[str, ...], code: int, word: str
) -> None:
    before = tree(project)
    refused(planwise("census", "generate", *arguments, cwd=project), code, word)
    assert tree(project) == before


def test_unknown_commands_are_one_line(project: Path) -> None:
    refused(planwise("simulat", cwd=project), 2, "'simulat'", "'simulate'")
    refused(planwise("census", cwd=project), 2, "ACTION")
    refused(planwise("inputs", cwd=project), 2, "--database")
    refused(planwise("validate", "--pool-size", "3", cwd=project), 2, "--pool-size")


def test_inputs_leaves_a_file_that_is_no_database(project: Path) -> None:
    before = tree(project)
    done = planwise("inputs", "--census", "census.csv", "--database", "census.csv", cwd=project)
    refused(done, 1, "census.csv")
    assert tree(project) == before


def test_verbose_shows_the_traceback(project: Path) -> None:
    done = planwise(*RUN, "--dbt-project", "nowhere", "--verbose", cwd=project)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("planwise: nowhere: ")


@pytest.mark.parametrize(
    "name", ['it\'s "quoted".csv', "日本 é.csv", "a\nb.csv", "{{ x }}.csv", "-c.csv", "\udcff.csv"]
)
def test_hostile_names_of_a_census_are_read(project: Path, name: str) -> None:
    shutil.copy(project / "census.csv", project / name)
    database = project / "other.duckdb"
    done = planwise(
        *("inputs", "--years", "2025", f"--census={name}", "--database", str(database)), cwd=project
    )
    assert (done.returncode, done.stderr) == (0, "")
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select count(*) from inputs.census").fetchall() == [(200,)]


def test_hostile_names_of_folders_and_results_are_written(project: Path) -> None:
    folder = project / 'it\'s {{ x }} {% y %} "q"; 日本\n'
    done = planwise(
        *(*RUN, "--database", folder / "ein é 日.db", "--output", folder / "r\n'.json"), cwd=project
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / "ein é 日.db").is_file()
    assert (folder / "r\n'.json").is_file()
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        "ein é 日.db.planwise"
    ]
