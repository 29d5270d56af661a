"""Processes of planwise that begin with everything imported: a test that needs hundreds can wait.

A process that has imported all that a run needs, and has run nothing, forks for each command. The
fork is a process like any other: it has its own number and can be killed.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen
from killing import environment


@frozen
class Ended:
    """A process that has ended.

    Attributes:
        process: its number.
        code: its exit code; of one that a signal has ended, minus its number.
        output: what it wrote to standard output.
        errors: what it wrote to standard error.
    """

    process: int
    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        """All of it."""
        return f"exit code {self.code}\n{self.output}\n{self.errors}"


@define
class Forks:
    """Runs commands, one after the other.

    Attributes:
        folder: for what they write.
        preload: a library that they are preloaded with.
    """

    folder: Path
    preload: Path | None = None
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> Forks:
        self.folder.mkdir(parents=True, exist_ok=True)
        more = {} if self.preload is None else {"LD_PRELOAD": str(self.preload)}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment(), **more},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate(timeout=60)

    def run(self, words: Sequence[str], *, before: str = "", **more: str) -> Ended:
        """Run a command to its end.

        Args:
            words: of the command line.
            before: Python that the process executes first.
            more: of its environment.
        """
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        files = [self.folder / "output", self.folder / "errors"]
        asked = {"words": [*words], "before": before, "more": more, "files": [*map(str, files)]}
        print(json.dumps(asked), file=process.stdin, flush=True)
        number, code = map(int, process.stdout.readline().split())
        return Ended(number, code, *(file.read_text(errors="replace") for file in files))


def _import_all() -> None:
    import importlib
    import pkgutil

    import planwise
    import planwise_plugins

    for package in (planwise, planwise_plugins):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in ("dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "pyarrow.parquet"):
        importlib.import_module(name)


def _serve() -> None:
    _import_all()
    from planwise.cli.main import main

    gc.freeze()  # else each fork goes through all that was imported, and so copies it

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            os.environ.update(asked["more"])
            for number, file in enumerate(asked["files"], start=1):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            exec(asked["before"], {})  # noqa: S102  # of the test itself
            sys.exit(main(asked["words"]))
        _, status = os.waitpid(child, 0)
        print(child, os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    _serve()
