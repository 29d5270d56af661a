"""A folder is written whole or not at all."""

from __future__ import annotations

import itertools
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from planwise.errors import PlanwiseError
from planwise.scaffold import folder as module
from planwise.scaffold.folder import write_folder

FILES = {"README.md": "read\n", "src/mine/__init__.py": "", "src/mine/py.typed": "", "z": "z"}


def tree(folder: Path) -> dict[str, str]:
    return {
        each.relative_to(folder).as_posix(): each.read_text(encoding="utf-8")
        for each in folder.rglob("*")
        if each.is_file()
    }


def test_a_folder_that_is_missing_is_made_and_an_empty_one_is_filled(tmp_path: Path) -> None:
    write_folder(tmp_path / "new", FILES)
    (tmp_path / "empty").mkdir()
    before = (tmp_path / "empty").stat().st_ino
    write_folder(tmp_path / "empty", FILES)
    # Somebody may stand in it: it is still the same folder.
    assert (tmp_path / "empty").stat().st_ino == before
    (tmp_path / "versioned" / ".git").mkdir(parents=True)
    write_folder(tmp_path / "versioned", FILES)
    for name in ("new", "empty", "versioned"):
        assert tree(tmp_path / name) == FILES
    assert {each.name for each in tmp_path.iterdir()} == {"new", "empty", "versioned"}


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for name, words in (
        ("used", "not empty .'notes.txt' is in it.; name another folder with --dir"),
        ("file", "is a file; name a folder"),
        ("nowhere", "a link that leads nowhere"),
        ("none/new", "none does not exist; create it"),
        ("file/new", "is not a folder"),
        ("n" * 300, "the name is too long"),
    ):
        with pytest.raises(PlanwiseError, match=words):
            write_folder(tmp_path / name, FILES)
    assert tree(tmp_path) == {"used/notes.txt": "mine", "file": "mine"}
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("failing", range(len(FILES)))
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_at_any_file_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: bool,
    failing: int,
    error: BaseException,
) -> None:
    """No disk can be made to fail at a file of one's choice: syncing it is what fails here."""
    count = itertools.count()

    def sync(path: Path) -> None:
        if next(count) == failing:
            raise error

    monkeypatch.setattr(module, "sync", sync)
    place = tmp_path / "new"
    if there:
        place.mkdir()
    expected = PlanwiseError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_folder(place, FILES)
    assert list(tmp_path.iterdir()) == ([place] if there else [])
    assert not there or not list(place.iterdir())


def test_a_failing_rename_takes_back_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check and the rename somebody else makes a folder of that name: it stays."""
    real = module._write

    def write(folder: Path, files: dict[str, str]) -> None:
        real(folder, files)
        (tmp_path / "src").mkdir()
        (tmp_path / "src" / "theirs").write_text("theirs", encoding="utf-8")

    monkeypatch.setattr(module, "_write", write)
    with pytest.raises(PlanwiseError, match="cannot be written"):
        write_folder(tmp_path, FILES)
    assert tree(tmp_path) == {"src/theirs": "theirs"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    place = Path("/proc/planwise-mine") if os.geteuid() == 0 else tmp_path / "closed" / "mine"
    if os.geteuid() != 0:  # root may write everywhere but where the kernel itself makes the files
        place.parent.mkdir(mode=0o500)
    with pytest.raises(PlanwiseError, match=f"{place}: cannot be written: "):
        write_folder(place, FILES)


@pytest.mark.parametrize("bytes_allowed", [0, 1000, 5000, 11_000])
def test_the_command_leaves_nothing_where_there_is_no_room(
    tmp_path: Path, bytes_allowed: int
) -> None:
    """A real limit on the size of a file, as a quota has it; LICENSE is the largest."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "planwise.cli.main", "plugins", "new"),
            *("mine", "--hooks", "plan_batches"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (bytes_allowed, bytes_allowed)
        ),
    )
    assert done.returncode == 1
    assert done.stderr.startswith("planwise: ")
    assert "planwise-mine: cannot be written: File too large; choose another place" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
