"""``planwise plugins new`` as it is typed."""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from planwise.hookspecs import KINDS
from planwise.scaffold.package import names_for, package_files
from planwise.scaffold.parts import PARTS, hooks_of, parts_for

ROOT = Path(__file__).parents[2]


def new(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "planwise.cli.main", "plugins", "new", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
    )


def test_it_writes_the_package_and_says_how_to_go_on(tmp_path: Path) -> None:
    done = new("my-codec", "--hooks", "compress_state,add_options", "db_tune", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    head, _, commands = done.stdout.partition("\nnext:\n")
    assert "plugin 'my-codec' with add_options, configure, db_tune, compress_state" in head
    assert "came along, since the others are of no use without: configure, restore_state" in head
    lines = [shlex.split(line) for line in commands.splitlines()]
    assert lines[0] == ["cd", "planwise-my-codec"]
    assert ["pytest"] in lines
    assert lines[-1][:4] == ["planwise", "bench", "ab", "--a"]
    assert lines[-1][4] == "--no-tuning --no-compression --no-my-codec"
    hooks = ["compress_state", "add_options", "db_tune"]
    expected = package_files(names_for("my-codec"), parts_for(hooks))
    for name, text in expected.items():
        assert (tmp_path / "planwise-my-codec" / name).read_text(encoding="utf-8") == text
    again = new("my-codec", "--hooks", "db_tune", cwd=tmp_path)
    assert again.returncode == 2
    assert "planwise-my-codec: is there already and not empty" in again.stderr


def test_the_folder_where_somebody_stands_is_filled(tmp_path: Path) -> None:
    done = new("mine", "--hooks", "record_metric", "--dir", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "cd " not in done.stdout
    assert (tmp_path / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mine", "--hooks", "plan-batch"], "did you mean 'plan_batches'?"),
        (["--hooks", "plan_batches", "mine"], "NAME is missing; put it first: planwise plugins"),
        (["Mine!", "--hooks", "db_tune"], "'mine' would do"),
        (["tuning", "--hooks", "db_tune"], "is installed already, by planwise"),
        (["mine", "--hooks", "db_tune", "--dir", ""], "--dir is empty"),
        (["mine", "--hooks", ","], "planwise plugins new mine --hooks plan_batches"),
        (["mine"], "--hooks is missing"),
        (["mine", "--hook", "db_tune"], "unknown argument --hook; did you mean --hooks?"),
        (["mine", "--hooks", "db_tune", "--json"], "--json; see `planwise plugins --help`"),
    ],
)
def test_a_mistake_is_one_line_with_the_mend(tmp_path: Path, words: list[str], said: str) -> None:
    done = new(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("planwise: ")
    assert said in done.stderr.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_the_hooks_are_listed_with_what_they_are_for(tmp_path: Path) -> None:
    done = new("--list-hooks", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines()]
    assert {name: kind for name, kind, _ in lines} == KINDS
    assert all(purpose.endswith(".") and ":func:" not in purpose for *_, purpose in lines)
    # Without --hooks the same is shown, above the line that says what is missing.
    assert new("mine", cwd=tmp_path).stderr.startswith(done.stdout)


def test_the_help_has_examples_that_work(tmp_path: Path) -> None:
    text = new("--help", cwd=tmp_path).stdout
    examples = re.findall(r"^  planwise plugins new (\S.*)$", text, re.MULTILINE)
    assert len(examples) == 3
    for number, example in enumerate(examples):
        folder = tmp_path / str(number)
        folder.mkdir()
        words = ["here" if word.startswith("~") else word for word in shlex.split(example)]
        assert new(*words, cwd=folder).returncode == 0, example


def test_ruff_has_nothing_to_say_whatever_the_hooks_and_the_length_of_the_name(
    tmp_path: Path,
) -> None:
    """Every choice of hooks, with names that make lines as short and as long as they can be."""
    number = itertools.count()
    for size in range(1, len(PARTS) + 1):
        for chosen in itertools.combinations(PARTS, size):
            parts = parts_for(hooks_of(chosen))
            # A class of one letter, and one of as many as a class may have.
            for name in ("a", f"x{'y' * 23}"):
                folder = tmp_path / str(next(number))
                for path, text in package_files(names_for(name), parts).items():
                    if path.endswith((".py", ".toml")):
                        (folder / path).parent.mkdir(parents=True, exist_ok=True)
                        (folder / path).write_text(text, encoding="utf-8")
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--no-cache", "--quiet", str(tmp_path)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_the_licence_is_that_of_planwise() -> None:
    text = (ROOT / "planwise" / "scaffold" / "templates" / "LICENSE").read_text(encoding="utf-8")
    assert text == (ROOT / "LICENSE").read_text(encoding="utf-8")
