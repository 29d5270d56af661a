"""Runs with a plugin that misbehaves, and what has to hold after each."""

from __future__ import annotations

import builtins
import json
import os
import shutil
import signal
import threading
import time
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import misbehaving_plugin as plugin
from forking import Ended, Forks
from killing import digests_of, only_line

from planwise import hookspecs
from planwise.run_files import RunFiles
from planwise.runs.manifest import read_manifest
from planwise.warehouse.digests import OWN_SCHEMA, TableDigest, quoted_relation, tables_of
from planwise.warehouse.lock import database_lock, lock_file
from planwise.warehouse.opening import reading

YEARS = [2025, 2026]
_DISTRIBUTION = "misbehaving-1.0.dist-info"
_WAIT_S = 60
"""For a process to hang: far more than it takes."""
ALL_FIELDS = bool(os.environ.get("PLANWISE_PLUGIN_FIELDS"))
"""Whether every field of every answer is spoilt in a run of its own."""
MOST_S = 30
"""For a process to end after its signal; 3 s where nothing else ends it, on an idle machine."""


def hints_of(hook: str) -> dict[str, Any]:
    return typing.get_type_hints(getattr(hookspecs, hook))


def is_answered(hook: str) -> bool:
    return hints_of(hook)["return"] is not type(None)


def is_lent_the_database(hook: str) -> bool:
    """Whether a hook is given a way to the database."""
    given = [kind for name, kind in hints_of(hook).items() if name != "return"]
    return any("transaction" in attrs.fields_dict(kind) for kind in given if attrs.has(kind))


def fields_of(hook: str) -> list[str]:
    """The fields of what a hook answers, and of its parts."""
    return list(_fields(hints_of(hook)["return"]))


def _fields(kind: Any) -> Iterator[str]:
    if attrs.has(kind):
        # Of builtins too: a field may be called `type`, which is then found in its place.
        types = typing.get_type_hints(kind, localns=vars(builtins))
        for name in attrs.fields_dict(kind):
            inner = list(_fields(types[name]))
            yield from [f"{name}.{each}" for each in inner] or [name]
    else:
        for part in typing.get_args(kind):
            yield from _fields(part)


def ways_of(hook: str) -> list[str]:
    """Each way in which a hook can misbehave without hanging."""
    # What nobody answers is not looked at, whatever it is.
    values = list(plugin.VALUES) if is_answered(hook) else ["an object that raises", "a generator"]
    ways = [*plugin.RAISING, *(f"answers {value}" for value in values)]
    fields = fields_of(hook)
    if not ALL_FIELDS:
        # The first and the last; every value of every field is tried in test_kernel_answers.
        fields = list(dict.fromkeys([*fields[:1], *fields[-1:]]))
    spoilt = ["an object that raises", "NaN", "a huge number", "None"]
    ways += [f"field {each} is {spoilt[n % len(spoilt)]}" for n, each in enumerate(fields)]
    if is_lent_the_database(hook):
        ways += [*plugin.WITH_DATABASE, "hands over what dbt has run"]
    return ways


def hangs_of(hook: str) -> list[str]:
    lent = plugin.HANGING_WITH_DATABASE if is_lent_the_database(hook) else {}
    return [*plugin.HANGING, *lent]


Contents = dict[str, tuple[int, str]]
"""Rows and hash of each table."""
Earlier = tuple[int, int, int]


@attrs.frozen
class Prepared:
    """What the cases share.

    Attributes:
        folder: of all.
        template: a folder with an earlier result and a run that was interrupted after a year.
        arguments: of ``planwise simulate``, but for the database.
        digests: of a clean run.
        rows: the contents of a clean run.
        half: those of the interrupted run in the template.
        calls: how often each hook is asked in a run.
    """

    folder: Path
    template: Path
    arguments: list[str]
    digests: Mapping[str, TableDigest] = attrs.field(factory=dict)
    rows: Contents = attrs.field(factory=dict)
    half: Contents = attrs.field(factory=dict)
    calls: Mapping[str, int] = attrs.field(factory=dict)


def install(site: Path) -> None:
    """Install the plugin in a folder, as an installer leaves it."""
    info = site / _DISTRIBUTION
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: misbehaving\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[planwise.plugins]\n{plugin.NAME} = misbehaving_plugin:Misbehaving\n"
    )
    shutil.copy(plugin.__file__, site)


def switches() -> list[str]:
    """Flags without which there would be two providers of a hook."""
    return [f"--no-{name}" for name in plugin.providers()]


WITHOUT = [f"--no-{plugin.NAME}"]


@contextmanager
def forks_with_plugin(folder: Path, site: Path) -> Iterator[Forks]:
    """A process that forks, for which the plugin is installed."""
    path = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(site), path]))
    try:
        with Forks(folder) as forks:
            os.environ["PYTHONPATH"] = path
            yield forks
    finally:
        os.environ["PYTHONPATH"] = path


@attrs.define
class Case:
    """One run that is begun, or gone on with, again and again.

    Attributes:
        prepared: what it shares with others.
        folder: where it is.
        forks: what runs its commands.
    """

    prepared: Prepared
    folder: Path
    forks: Forks

    @property
    def database(self) -> Path:
        return self.folder / "simulation.duckdb"

    @property
    def files(self) -> RunFiles:
        return RunFiles(self.database.resolve())

    def reset(self) -> Earlier:
        """As it was when the run had been interrupted after its first year."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.prepared.template, self.folder)
        return stat_of(self.database)

    def run(self, *more: str, task: Mapping[str, Any] | None = None) -> Ended:
        words = ["simulate", *self.prepared.arguments, "--database", str(self.database), *more]
        return self.forks.run(words, MISBEHAVING=json.dumps(task or {}))

    def misbehave(self, hook: str, how: str, *more: str, at: int = 1, **files: str) -> Ended:
        """Run with the plugin, which does wrong at one call of a hook."""
        did = self.folder.with_name(f"{self.folder.name}.did")
        did.unlink(missing_ok=True)
        task = {"hook": hook, "how": how, "at": at, "did": str(did), **files}
        ended = self.run(*more, *switches(), task=task)
        assert did.exists(), f"it was not asked: {ended.said}"
        return ended

    def check_left(self, earlier: Earlier) -> bool:
        """What was there before is there as it was, and nobody holds the lock.

        Args:
            earlier: how the earlier result was.

        Returns:
            Whether the second year is still to be run: a hook may be asked after its commit.
        """
        assert stat_of(self.database) == earlier, "the earlier result is another"
        with database_lock(self.database):
            pass  # it could be taken
        manifest = read_manifest(self.files.building)
        assert manifest is not None, "the interrupted run is gone"
        noted, building = list(manifest.finished), self.files.building_database
        assert noted in (YEARS[:1], YEARS), f"finished are {noted}"
        if not building.exists():
            return True
        if noted == YEARS[:1] and contents(building) == self.prepared.half:
            return True
        whole = contents(building, self.prepared.rows)
        assert whole == self.prepared.rows, "half a year is there"
        return False

    def check_complete(self) -> None:
        found = contents(self.database, self.prepared.rows)
        assert found == self.prepared.rows, "the result is another"
        assert not lock_file(self.database).exists(), "the lock is left"
        assert not self.files.building.exists(), "the run's folder is left"

    def resume(self) -> None:
        """Without the plugin, to the end."""
        ended = self.run("--resume", *WITHOUT)
        assert ended.code == 0, ended.said
        self.check_complete()
        assert digests_of(self.database) == self.prepared.digests, "the result is another"


def check_blame(ended: Ended, hook: str | None, *, code: int = 1) -> None:
    """One line says which plugin and which hook it was."""
    assert ended.code == code, ended.said
    line = only_line(ended.errors)
    assert plugin.NAME in line, line
    assert hook is None or f"hook '{hook}'" in line, line
    assert "bug in planwise" not in line, line


def stat_of(file: Path) -> Earlier:
    """What every write changes."""
    found = file.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def contents(database: Path, wanted: Contents | None = None) -> Contents:
    """Rows and a hash of every table but planwise's own, or of those that are wanted."""
    with reading(database) as connection:
        tables = [each for each in tables_of(connection) if each[0] != OWN_SCHEMA]
        names = [".".join(each) for each in tables]
        parts = [
            f"select {number}, count(*), coalesce(sum(hash(t)::hugeint), 0)::varchar "
            f"from {quoted_relation(each)} t"
            for number, each in enumerate(tables)
            if not wanted or names[number] in wanted
        ]
        rows = connection.execute(" union all ".join(parts)).fetchall()
    return {names[number]: (count, total) for number, count, total in rows}


def signal_when_it_hangs(file: Path, number: int) -> threading.Thread:
    """Send a signal to the process that notes its number in a file."""

    def send() -> None:
        until = time.monotonic() + _WAIT_S
        while time.monotonic() < until:
            if file.exists():
                os.kill(int(file.read_text()), number)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}


def shares(ways: Sequence[str], number: int) -> list[list[str]]:
    return [list(ways[first::number]) for first in range(number)]
