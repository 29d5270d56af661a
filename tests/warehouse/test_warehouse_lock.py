"""The lock beside the database: real processes hold it, die with it, and race for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from planwise.errors import DatabaseLockedError, WarehouseError
from planwise.warehouse.lock import database_lock, lock_file

HOLD = """
import sys
from pathlib import Path
from planwise.warehouse.lock import database_lock

with database_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
# Each process takes the lock as often as it can in its turns, and records with an exclusive
# create whether anyone else is inside.
RACE = """
import os, sys
from pathlib import Path
from planwise.errors import DatabaseLockedError
from planwise.warehouse.lock import database_lock

database, inside, log = map(Path, sys.argv[1:4])
sys.stdin.readline()
taken = refused = 0
while taken < 25:
    try:
        with database_lock(database):
            os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
            taken += 1
            os.unlink(inside)
    except DatabaseLockedError:
        refused += 1
print(taken, refused, flush=True)
"""


@contextmanager
def holder(database: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def take(database: Path) -> None:
    with database_lock(database):
        pass


def test_it_is_taken_and_leaves_nothing(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    with database_lock(database):
        assert lock_file(database).read_text().split()[0] == str(os.getpid())
    assert list(tmp_path.iterdir()) == []
    take(database)


def test_it_is_given_back_after_an_error(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"

    def fail() -> None:
        with database_lock(database):
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    take(database)


def test_a_second_process_is_named(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    with holder(database) as process:
        with pytest.raises(DatabaseLockedError, match="in use by another planwise") as caught:
            take(database)
        assert f"process {process.pid}" in str(caught.value)
        assert str(database) in str(caught.value)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait() == 0
        take(database)


def test_the_same_process_cannot_take_it_twice(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    with database_lock(database), pytest.raises(DatabaseLockedError, match=str(os.getpid())):
        take(database)


def test_other_databases_are_free(tmp_path: Path) -> None:
    with holder(tmp_path / "a.duckdb"):
        take(tmp_path / "b.duckdb")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_holder_that_is_killed_frees_it(tmp_path: Path, number: signal.Signals) -> None:
    database = tmp_path / "a.duckdb"
    with holder(database) as process:
        process.send_signal(number)
        process.wait()
        assert lock_file(database).exists()  # left behind, and no obstacle
        take(database)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"1 init\n", b"999999 planwise\n", b"\xff\x00" * 5000])
def test_a_stale_file_is_no_obstacle(tmp_path: Path, content: bytes) -> None:
    database = tmp_path / "a.duckdb"
    lock_file(database).write_bytes(content)
    with database_lock(database):
        assert lock_file(database).read_text().split()[0] == str(os.getpid())
    assert not lock_file(database).exists()


def test_the_name_of_a_holder_is_one_line(tmp_path: Path) -> None:
    """What the file holds is not ours to trust."""
    import fcntl

    database = tmp_path / "a.duckdb"
    with lock_file(database).open("wb") as stream:
        stream.write(b"12\n\x1b[31mred\n\xff" * 100)
        stream.flush()
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(DatabaseLockedError) as caught:
            take(database)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_every_way_to_a_database_leads_to_one_lock(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "a.duckdb").write_bytes(b"")
    (tmp_path / "folder").symlink_to(real)
    (tmp_path / "link.duckdb").symlink_to(real / "a.duckdb")
    with holder(real / "a.duckdb"):
        for way in (
            tmp_path / "folder" / "a.duckdb",
            tmp_path / "link.duckdb",
            tmp_path / "real" / ".." / "real" / "a.duckdb",
            Path(os.path.relpath(real / "a.duckdb")),
        ):
            with pytest.raises(DatabaseLockedError):
                take(way)


def test_a_link_to_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "link.duckdb").symlink_to(tmp_path / "real.duckdb")
    with holder(tmp_path / "real.duckdb"), pytest.raises(DatabaseLockedError):
        take(tmp_path / "link.duckdb")


def test_twenty_processes_race_and_one_at_a_time_is_inside(tmp_path: Path) -> None:
    arguments = [str(tmp_path / name) for name in ("a.duckdb", "inside", "log")]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(20)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [
        (process.returncode, err) for process, (_, err) in zip(processes, outcomes, strict=True)
    ] == [(0, "")] * 20
    assert sum(int(out.split()[0]) for out, _ in outcomes) == 500
    assert list(tmp_path.iterdir()) == []


def test_threads_of_one_process_take_turns(tmp_path: Path) -> None:
    database = tmp_path / "a.duckdb"
    inside: list[int] = []
    worst: list[int] = []
    refused: list[int] = []

    def work() -> None:
        for _ in range(200):
            try:
                with database_lock(database):
                    inside.append(1)
                    worst.append(len(inside))
                    inside.pop()
            except DatabaseLockedError:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(worst) == 1
    assert len(worst) + len(refused) == 800
    assert not lock_file(database).exists()


@pytest.mark.parametrize("folder", ["/proc", "/sys/kernel"])
def test_a_folder_that_cannot_be_written(folder: str) -> None:
    with pytest.raises(WarehouseError, match="cannot be written") as caught:
        take(Path(folder) / "a.duckdb")
    assert "--database" in str(caught.value)


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    lock_file(tmp_path / "a.duckdb").mkdir()
    with pytest.raises(WarehouseError, match="lock"):
        take(tmp_path / "a.duckdb")
    assert lock_file(tmp_path / "a.duckdb").is_dir()
