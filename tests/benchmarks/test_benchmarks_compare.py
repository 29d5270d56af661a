"""Two stored results: exit codes, what counts as a regression, and files that are no results."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from bench_runs import bench
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.bench import stored
from planwise.cli.main import main
from planwise.errors import PlanwiseError

Content = dict[str, Any]
MACHINE = {
    "processor": "P",
    "cores_granted": 2,
    "memory_bytes": 1 << 34,
    "system": "Linux 6",
    "load_average": 0.1,
}


def result(seed: int = 1, *, a: float = 1.2, b: float = 1.0, rounds: int = 12) -> Content:
    """A result of ``ab`` whose arms take so many seconds, with some noise."""
    draws = random.Random(seed)  # noqa: S311  # statistics, not secrets
    seen = []
    for number in range(1, rounds + 1):
        speed = draws.lognormvariate(0, 0.01)
        for arm, factor in (("a", a), ("b", b)):
            wall_s = 10 * factor * speed * draws.lognormvariate(0, 0.01)
            seen.append({"arm": arm, "round": number, "wall_s": wall_s, "cpu_s": 1.0})
    arms = {
        name: {"arm": name, "years": [2025], "reference": "b", "flags": flags}
        for name, flags in (("a", ["--no-tuning"]), ("b", []))
    }
    return {
        "schema_version": 1,
        "benchmark": "ab",
        "machine": MACHINE,
        "seed": seed,
        "years": [2025],
        "census": None,
        "census_date": None,
        "employees": 100,
        "scenarios": [],
        "pool_size": 4,
        "memory_limit": None,
        "cold": False,
        "arms": arms,
        "tables": {"main.t": "1 x"},
        "observations": seen,
    }


def compared(
    folder: Path, old: Any, new: Any, *more: str, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    files = []
    for name, content in (("old", old), ("new", new)):
        files.append(folder / f"{name}.json")
        text = content if isinstance(content, str) else json.dumps(content)
        files[-1].write_text(text, encoding="utf-8")
    code = main(["bench", "compare", *map(str, files), *more])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_same_again_is_no_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = compared(tmp_path, result(1), result(2), capsys=capsys)
    assert (code, err) == (0, "")
    assert "the machine is the same" in out
    assert out.rstrip().endswith("no regression above 1.05")
    assert len({line.count("|") for line in out.splitlines() if "|" in line}) == 1


def test_an_arm_that_became_slower_is_a_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slower = result(2, a=1.2 * 1.1)
    code, out, _ = compared(tmp_path, result(1), slower, capsys=capsys)
    assert code == 1
    assert out.rstrip().endswith("regressions above 1.05: a")
    assert compared(tmp_path, result(1), slower, "--threshold", "1.2", capsys=capsys)[0] == 0
    assert compared(tmp_path, slower, result(1), capsys=capsys)[0] == 0


def test_everything_slower_is_seen_on_the_same_machine_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slower = result(2, a=2.4, b=2.0)
    code, out, _ = compared(tmp_path, result(1), slower, capsys=capsys)
    assert code == 1
    assert "regressions above 1.05: a, b" in out
    slower["machine"] = {**MACHINE, "processor": "Q"}
    code, out, _ = compared(tmp_path, result(1), slower, capsys=capsys)
    assert code == 0
    assert "the machine is another" in out


def test_a_ratio_that_rose_on_another_machine_is_a_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = result(2, a=0.66, b=0.5)
    new["machine"] = {**MACHINE, "cores_granted": 8}
    assert compared(tmp_path, result(1), new, capsys=capsys)[0] == 1


def test_a_reference_that_became_faster_makes_no_arm_a_regression(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = compared(tmp_path, result(1), result(2, a=1.19, b=0.5), capsys=capsys)
    assert code == 0, out


def test_the_load_of_a_machine_does_not_make_it_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = result(2)
    new["machine"] = {**MACHINE, "load_average": 3.5}
    assert "the machine is the same" in compared(tmp_path, result(1), new, capsys=capsys)[1]


def test_few_rounds_give_no_verdict_and_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = result(1, rounds=3), result(2, a=9, rounds=3)
    code, out, _ = compared(tmp_path, old, new, capsys=capsys)
    assert code == 0
    assert "too few rounds to tell" in out
    assert "warning: a verdict needs 6 rounds in both" in out


def changed(content: Content, key: str, value: Any) -> Content:
    new = copy.deepcopy(content)
    *way, last = key.split("/")
    place: Any = new
    for each in way:
        place = place[int(each) if isinstance(place, list) else each]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return new


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("years", [2025, 2026], "years: [2025] and [2025, 2026]"),
        ("employees", 200, "employees: 100 and 200"),
        ("census", "my.csv", "census: None and my.csv"),
        ("branch_from", 2025, "branch from: None and 2025"),
        ("census_date", "2024-01-01", "census date: None and 2024-01-01"),
        ("scenarios", ["rich"], "scenarios: [] and ['rich']"),
        ("pool_size", 8, "pool size: 4 and 8"),
        ("memory_limit", "1GB", "memory limit: None and 1GB"),
        ("cold", True, "cold: False and True"),
        ("benchmark", "combinations", "action: ab and combinations"),
        ("arms/a/flags", [], "arm 'a', flags: ['--no-tuning'] and []"),
        ("arms/a/years", [2026], "arm 'a', years: [2025] and [2026]"),
        ("arms/a/reference", "a", "arm 'a', reference: b and a"),
    ],
)
def test_what_cannot_be_compared_says_what_differs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any, message: str
) -> None:
    new = changed(result(2), key, value)
    code, out, err = compared(tmp_path, result(1), new, capsys=capsys)
    assert (code, out) == (2, "")
    assert "cannot be compared: " in err
    assert message in err
    assert err.count("\n") == 1


def test_a_result_of_before_arms_had_flags_can_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = changed(result(1), "arms/a/flags", ...)
    assert compared(tmp_path, old, result(2), capsys=capsys)[0] == 0


def test_arms_that_only_one_result_has_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = result(1), result(2)
    del new["arms"]["a"]
    new["observations"] = [each for each in new["observations"] if each["arm"] == "b"]
    code, out, _ = compared(tmp_path, old, new, capsys=capsys)
    assert code == 0
    assert f"only in {tmp_path / 'old.json'}: a" in out
    renamed = json.loads(json.dumps(old).replace('"b"', '"c"').replace('"a"', '"d"'))
    code, _, err = compared(tmp_path, old, renamed, capsys=capsys)
    assert code == 2
    assert "have no arm in common: a, b; and d, c" in err


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schema_version", 2, "schema_version 2 is not known"),
        ("schema_version", True, "'schema_version': expected a whole number, got True"),
        ("schema_version", ..., "has no key 'schema_version'"),
        ("benchmark", 7, "'benchmark': expected a text, got 7"),
        ("arms", ..., "has no key 'arms'"),
        ("arms", [], "'arms': expected an object, got list"),
        ("arms", {}, "'observations[0].arm': 'a' is not among the arms"),
        ("arms/a", None, "'arms.a': expected an object, got None"),
        ("arms/a/reference", "z", "'arms.a.reference': 'z' is not among the arms"),
        ("machine/memory_bytes", ..., "the key 'machine.memory_bytes' is missing"),
        ("machine/cores_granted", "two", "'machine.cores_granted': expected a number, got 'two'"),
        ("seed", 1.5, "'seed': expected a whole number, got 1.5"),
        ("years", "2025", "'years': expected a list, got '2025'"),
        ("years", [[]], "'years': expected a list of texts or whole numbers"),
        ("cold", "yes", "'cold': expected true or false, got 'yes'"),
        ("tables/main.t", 3, "'tables.main.t': expected a text, got 3"),
        ("observations", {}, "'observations': expected a list, got dict"),
        ("observations/3", [], "'observations[3]': expected an object, got list"),
        ("observations/3/arm", "z", "'observations[3].arm': 'z' is not among the arms"),
        ("observations/3/round", 1, "arm 'b' has round 1 twice"),
        ("observations/3/wall_s", 0, "'observations[3].wall_s': expected seconds above 0"),
        ("observations/3/wall_s", "1", "'observations[3].wall_s': expected a number, got '1'"),
        ("observations/3/wall_s", 10**400, "'observations[3].wall_s': expected a number, got 1000"),
        ("observations", [], "'observations': arm 'a' lacks rounds"),
    ],
)
def test_a_key_that_is_wrong_is_one_line_that_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any, message: str
) -> None:
    for side in (0, 1):
        pair = [result(1), result(2)]
        pair[side] = changed(pair[side], key, value)
        code, out, err = compared(tmp_path, *pair, capsys=capsys)
        assert (code, out) == (2, "")
        assert str(tmp_path / ("old.json", "new.json")[side]) in err
        assert message in err
        assert err.count("\n") == 1
        assert len(err) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no complete JSON"),
        (json.dumps(result())[:-40], "is no complete JSON"),
        ("[" * 200_000, "nested too deeply"),
        ("[]", "is no result of `planwise bench`"),
        ('{"schema_version": NaN}', "NaN is no JSON"),
        ('{"schema_version": ' + "9" * 5000 + "}", "is no complete JSON"),
        (json.dumps({"schema_version": 1, "benchmark": "scale"}), "result of `scale` has no key"),
    ],
)
def test_a_file_that_is_no_result_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    code, _, err = compared(tmp_path, result(), text, capsys=capsys)
    assert code == 2
    assert message in err
    assert f"{tmp_path / 'new.json'}: " in err
    assert err.count("\n") == 1


def test_files_that_are_missing_folders_or_huge_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "old.json"
    file.write_text(json.dumps(result()), encoding="utf-8")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate(stored.MOST_BYTES + 1)
    for other, message in (
        (tmp_path / "none.json", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (binary, "is no complete JSON"),
        (huge, "no result takes more than"),
    ):
        assert main(["bench", "compare", str(file), str(other)]) == 2
        err = capsys.readouterr().err
        assert f"{other}: " in err
        assert message in err
        assert err.count("\n") == 1


@pytest.mark.parametrize("threshold", ["0.99", "nan", "inf", "much"])
def test_a_threshold_that_makes_no_sense_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], threshold: str
) -> None:
    code, _, err = compared(tmp_path, result(), result(), "--threshold", threshold, capsys=capsys)
    assert code == 2
    assert "--threshold" in err


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths(content: Any, way: str = "") -> list[str]:
    found = []
    for key, each in content.items() if isinstance(content, dict) else enumerate(content):
        found.append(f"{way}{key}")
        if isinstance(each, dict | list):
            found += paths(each, f"{way}{key}/")
    return found


@given(st.sampled_from(paths(result(rounds=2))), json_values)
@settings(max_examples=150, deadline=None)
def test_any_value_anywhere_is_read_or_refused_with_one_line(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.json"
    file.write_text(json.dumps(changed(result(rounds=2), key, value)), encoding="utf-8")
    try:
        stored.read_result(file)
    except PlanwiseError as error:
        refused = error
    else:
        return
    assert refused.exit_code == 2
    assert "\n" not in str(refused)
    assert str(refused).startswith(f"{file}: ")


@pytest.mark.slow
def test_what_a_benchmark_wrote_can_be_compared(three_models: Path, tmp_path: Path) -> None:
    words = ["--employees", "60", "--years", "2025", "--dbt-project", "three", "--rounds", "1"]
    assert bench("ab", "--a", "", *words, "--output", "one.json", cwd=tmp_path).returncode == 0
    command = [sys.executable, "-m", "planwise.cli.main", "bench", "compare"]
    done = subprocess.run(
        [*command, "one.json", "one.json"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "no regression above 1.05" in done.stdout
