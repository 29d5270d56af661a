"""How a finished run takes the place of the one before, also when it is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from planwise.errors import UsageError, WarehouseError
from planwise.interruption import signals_wait
from planwise.run_files import RunFiles, write_atomically, write_problem

STEPS = "{'os.rename', 'os.remove', 'os.rmdir', 'shutil.rmtree', 'os.mkdir'}"
KILLED = f"""
import os, signal, sys
from pathlib import Path
from planwise.run_files import RunFiles

left = int(sys.argv[2])

def watch(event, arguments):
    global left
    if event in {STEPS}:
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)
RunFiles(Path(sys.argv[1])).publish()
"""


def build(files: RunFiles, content: str) -> None:
    files.prepare()
    files.building_database.write_text(content)
    (files.building_checkpoints / "2025").mkdir(parents=True)
    (files.building_checkpoints / "2025" / "manifest.json").write_text(content)


def published(files: RunFiles) -> tuple[str | None, str | None]:
    """What the database and the checkpoints hold."""
    manifest = files.checkpoints / "2025" / "manifest.json"
    return tuple(  # type: ignore[return-value]  # two of them
        file.read_text() if file.exists() else None for file in (files.database, manifest)
    )


@pytest.fixture
def files(tmp_path: Path) -> RunFiles:
    return RunFiles(tmp_path / "output" / "result.duckdb")


def test_the_folders_of_two_databases_differ(tmp_path: Path) -> None:
    one, other = RunFiles(tmp_path / "a.duckdb"), RunFiles(tmp_path / "a.db")
    assert one.work != other.work
    assert one.building_database.name == "a.duckdb"  # views keep the name of their database
    assert one.building_database.parent.is_relative_to(one.work)


def test_nothing_is_there_until_it_is_published(files: RunFiles) -> None:
    files.check()
    build(files, "new")
    assert published(files) == (None, None)
    files.publish()
    assert published(files) == ("new", "new")
    assert not files.building.exists()
    assert sorted(each.name for each in files.database.parent.iterdir()) == [
        "result.duckdb",
        "result.duckdb.planwise",
    ]


def test_a_result_takes_the_place_of_the_one_before(files: RunFiles) -> None:
    for content in ("old", "new"):
        files.check()
        build(files, content)
        files.publish()
    assert published(files) == ("new", "new")


def test_what_is_discarded_leaves_the_old_result(files: RunFiles) -> None:
    files.check()
    build(files, "old")
    files.publish()
    build(files, "new")
    files.discard()
    files.discard()
    assert published(files) == ("old", "old")
    assert not files.building.exists()


def test_what_a_killed_run_left_is_gone(files: RunFiles) -> None:
    files.check()
    build(files, "killed")
    (files.building / "junk").mkdir()
    files.prepare()
    assert list(files.building.iterdir()) == []


def test_a_run_without_checkpoints_has_none_of_another(files: RunFiles) -> None:
    files.check()
    build(files, "old")
    files.publish()
    files.prepare()
    files.building_database.write_text("new")
    files.publish()
    assert published(files) == ("new", None)


def test_a_log_of_the_old_result_does_not_reach_the_new_one(files: RunFiles) -> None:
    files.check()
    log = files.database.with_name("result.duckdb.wal")
    log.write_text("statements")
    build(files, "new")
    files.publish()
    assert not log.exists()


def test_killed_at_every_step_of_publishing(files: RunFiles) -> None:
    """Old or new, and never the checkpoints of one run beside the database of the other."""
    files.check()
    seen = set()
    for step in range(40):
        build(files, "old")
        files.publish()
        build(files, "new")
        done = subprocess.run([sys.executable, "-c", KILLED, str(files.database), str(step)])
        database, checkpoints = published(files)
        assert database in ("old", "new")
        assert checkpoints in (database, None)
        seen.add((database, checkpoints))
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    assert step > 3
    assert {("old", "old"), ("new", "new")} <= seen
    assert (database, checkpoints) == ("new", "new")


def test_a_kill_is_mended_by_the_next_run(files: RunFiles) -> None:
    files.check()
    for step in range(6):
        build(files, "before")
        files.publish()
        build(files, "killed")
        subprocess.run([sys.executable, "-c", KILLED, str(files.database), str(step)])
        build(files, "after")
        files.publish()
        assert published(files) == ("after", "after")
        assert not files.building.exists()


def test_a_database_path_that_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        RunFiles(tmp_path).check()


@pytest.mark.parametrize("name", ["main.duckdb", "INPUTS.duckdb", "temp.db", "a'b.db", 'a"b.db'])
def test_a_name_that_sql_could_not_bear(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        RunFiles(tmp_path / name).check()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written() -> None:
    files = RunFiles(Path("/proc/nowhere/result.duckdb"))
    with pytest.raises(WarehouseError, match=r"/proc: cannot be written.*--database"):
        files.check()
    with pytest.raises(WarehouseError):
        files.prepare()


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WarehouseError, match="cannot be"):
        RunFiles(tmp_path / "file" / "result.duckdb").check()


def test_checking_without_making_leaves_no_trace(tmp_path: Path) -> None:
    RunFiles(tmp_path / "deep" / "er" / "result.duckdb").check(make=False)
    assert list(tmp_path.iterdir()) == []
    assert write_problem(tmp_path / "deep") is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_effect_after_the_block(number: signal.Signals) -> None:
    caught: list[int] = []
    before = signal.signal(number, lambda got, _: caught.append(got))
    try:
        with signals_wait():
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)
            assert caught == []
        assert caught == [number, number]
        os.kill(os.getpid(), number)
        assert len(caught) == 3
    finally:
        signal.signal(number, before)


def test_ctrl_c_in_the_block_is_raised_behind_it() -> None:
    reached = []

    def interrupted() -> None:
        with signals_wait():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("the end")

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert reached == ["the end"]


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with signals_wait():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = tmp_path / "made" / "results.json"
    write_atomically(file, lambda path: path.write_text("old") and None)

    def broken(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        write_atomically(file, broken)
    assert file.read_text() == "old"
    assert [each.name for each in file.parent.iterdir()] == ["results.json"]


def test_a_place_where_no_file_can_be_written() -> None:
    with pytest.raises(WarehouseError, match=r"results\.json: cannot be written"):
        write_atomically(Path("/proc/results.json"), lambda path: path.write_text("x") and None)
