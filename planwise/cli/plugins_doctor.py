"""``planwise plugins doctor``: what is wrong with an installed plugin, without a run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from planwise.errors import UsageError

_DESCRIPTION: Final = """\
Look at every installed plugin without a run, each in a process of its own: does it load, and how
long does that take; are its name, hooks, options and API version ones that planwise knows; does it
print; and what does it answer to small questions, as a run would ask them. `execute_batch` is not
asked, since it needs a database. Nothing is written. Exit code 1 if something is wrong."""

_EPILOG: Final = """\
ok    nothing is wrong
hint  nothing fails, but something could be better
FAIL  a run with this configuration would fail, or may; the line says what to do"""

_LIMIT_S: Final = 20.0


def add_parser(actions: Any) -> None:
    """Add the action to those of ``planwise plugins``."""
    parser = actions.add_parser(
        "doctor",
        help="check every installed plugin, and the configuration's part for them, without a run",
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    parser.set_defaults(module="plugins_doctor")
    # Suppressed, since the command before the action takes them too, and a default would win.
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="only these plugins (default: all)"
    )
    none = argparse.SUPPRESS
    parser.add_argument("--config", type=Path, default=none, metavar="FILE", help="as for simulate")
    parser.add_argument("--json", action="store_true", default=none, help="print JSON")
    parser.add_argument(
        "--verbose", action="store_true", default=none, help="show tracebacks of errors"
    )
    parser.add_argument(
        "--time-limit",
        type=float,
        default=_LIMIT_S,
        metavar="SECONDS",
        help=f"how long one call of a plugin may take (default: {_LIMIT_S:g})",
    )


def run(options: argparse.Namespace) -> int:
    """Look at all plugins.

    Returns:
        1 if something is wrong, else 0.

    Raises:
        UsageError: the time limit is none, or there is no such configuration or plugin.
    """
    from planwise.cli.settled import config_path
    from planwise.doctor.survey import Survey

    if not 0.05 <= options.time_limit <= 3600:
        raise UsageError(f"--time-limit: expected 0.05 to 3600 seconds, got {options.time_limit:g}")
    path = config_path(options)
    if path is not None and not path.is_file():
        raise UsageError(f"--config: {path}: no such configuration file")
    survey = Survey(path, options.time_limit, tuple(options.names))
    plugins = []
    failed = False
    for found in survey.plugins():
        failed = failed or bool(found.problems)
        plugins.append(found.to_dict())
        if options.json:
            continue
        for line in found.problems:
            _print("FAIL", line)
        for line in found.hints:
            _print("hint", line)
        if not found.problems:
            hooks = ", ".join(found.hooks) or "no hooks"
            _print("ok", f"{found.whose}: {hooks}; {'on' if found.enabled else 'off'}")
    failed = failed or bool(survey.problems)
    if options.json:
        everything = {"ok": not failed, "problems": survey.problems, "plugins": plugins}
        sys.stdout.write(json.dumps(everything, indent=2) + "\n")
    else:
        for line in survey.problems:
            _print("FAIL", line)
        if not plugins:
            _print("hint", "no plugin is installed, not even planwise's own: install it again")
    return 1 if failed else 0


def _print(mark: str, text: str) -> None:
    sys.stdout.write(f"{mark:<6}{text}\n")
    sys.stdout.flush()  # the next plugin may take its time
