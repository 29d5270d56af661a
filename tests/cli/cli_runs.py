"""Running planwise as its users do: a process, its exit code, its two streams, its files."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

COMMAND = [sys.executable, "-m", "planwise.cli.main"]
YEARS = ("--years", "2025", "2026")
# The parse cache of dbt is kept on purpose, also after a failure: it holds nothing of a result.
_CACHE = ("target", "logs", "profiles")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of the tests without what would change a run."""
    own = ("DUCKDB_", "DBT_", "PLANWISE_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return {**clean, "COLUMNS": "200", **(more or {})}


def planwise(
    *arguments: str | bytes | Path, cwd: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=180,
    )


def start(*arguments: str | Path, cwd: Path, **more: object) -> subprocess.Popen[str]:
    """Start a command; Ctrl-C reaches it even where the tests themselves run in the background."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # no threads yet
        **more,
    )


def read_until(process: subprocess.Popen[str], start_of_line: str) -> list[str]:
    """The lines of a running process up to one that starts so."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(start_of_line):
            return lines
    raise AssertionError(f"no line starts with {start_of_line!r}: {lines} {process.communicate()}")


def tree(folder: Path) -> dict[str, str]:
    """What is in a folder: the digest of every file, by path; folders without one."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "folder"
    return found


def results(folder: Path) -> dict[str, str]:
    """The same without dbt's parse cache."""
    return {
        name: digest
        for name, digest in tree(folder).items()
        if not any(part in _CACHE for part in Path(name).parts)
    }


def refused(done: subprocess.CompletedProcess[str], code: int, *words: str, lines: int = 1) -> None:
    """Hold a failure to what is promised: the code, one line each, no traceback, its words."""
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == code, (done.returncode, done.stderr)
    said = done.stderr.splitlines()
    assert len(said) == lines, done.stderr
    for line in said:
        assert line.startswith("planwise: "), line
        assert len(line) > len("planwise: ") + 10, line
    for word in words:
        assert word in done.stderr, (word, done.stderr)
