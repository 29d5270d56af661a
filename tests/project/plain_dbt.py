"""The reference: plain dbt's command line, each command in a process of its own.

Run as a script with a file of command lines by project, it imports dbt once and forks for each
command: a fork is a process in which dbt has done nothing yet, for a fraction of the time. A line
with the project's name and the exit code says that a project is done.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def run(arguments: list[str], log: Path, environment: Mapping[str, str] | None = None) -> int:
    """One command line of dbt in a process of its own; gives its exit code.

    Args:
        arguments: what follows ``dbt``.
        log: a file that its output is appended to.
        environment: variables beside those of this process.
    """
    child = os.fork()
    if child == 0:
        os.environ.update(environment or {})
        from dbt.cli.main import cli

        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = 1
        try:
            cli(arguments, standalone_mode=True)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    """Run the commands of each project until one fails."""
    import dbt.cli.main  # noqa: F401  # for the children

    file = Path(sys.argv[1])
    for project, commands in json.loads(file.read_text(encoding="utf-8")).items():
        log = file.with_name(f"{project}.log")
        code = next((code for command in commands if (code := run(command, log))), 0)
        print(project, code, flush=True)


if __name__ == "__main__":
    main()
