"""``planwise plugins new``: the package of a new plugin, with code that works and its tests."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planwise.scaffold.names import Names
    from planwise.scaffold.parts import Part

DESCRIPTION: Final = """\
Write the package of a new plugin: code that works for each hook that you name, its tests and those
that planwise has for every plugin, and what an installer, ruff, mypy and CI need. Put your own idea
in the place of what the code does, and measure what it is worth."""

EXAMPLES: Final = """\
NAME becomes the plugin's flag: `--no-NAME` switches it off. Hooks that are of use together alone
are written together: compress_state and restore_state, record_metric and report_section,
add_options and configure. `--list-hooks` says what each of them is for.

examples:
  planwise plugins new my-batcher --hooks plan_batches
  planwise plugins new my-codec --hooks compress_state,add_options --dir ~/src/my-codec
  planwise plugins new --list-hooks

then, in the new folder:
  pip install -e '.[dev]'
  pytest
  planwise simulate --years 2025-2026 --no-batching       yours in place of the built-in one
  planwise bench ab --a "--no-my-batcher" --b "--no-batching"

what a plugin may do: docs/plugins.md"""


def add_parser(actions: Any) -> None:
    """Add the action to those of ``planwise plugins``."""
    parser = actions.add_parser(
        "new",
        help="write the package of a new plugin",
        description=DESCRIPTION,
        epilog=EXAMPLES,
    )
    parser.set_defaults(module="plugins_new")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="small letters, digits, '-' and '_'; it becomes a flag",
    )
    parser.add_argument(
        "--hooks",
        nargs="+",
        action="extend",
        default=[],
        metavar="HOOK",
        help="what the plugin does, one or more, commas allowed",
    )
    parser.add_argument(
        "--dir",
        metavar="DIR",
        help="the folder to write, new or empty (default: ./planwise-NAME)",
    )
    parser.add_argument(
        "--list-hooks", action="store_true", help="say what each hook is for, and write nothing"
    )
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Write the package, and say how to go on.

    Raises:
        UsageError: a name, a hook or the folder will not do; nothing is written.
        WarehouseError: the folder cannot be written; nothing of it is left.
    """
    from planwise.plugins import installed_plugins
    from planwise.scaffold.folder import refuse_used, write_folder
    from planwise.scaffold.names import refuse_taken
    from planwise.scaffold.package import names_for, package_files
    from planwise.scaffold.parts import parts_for

    if options.list_hooks:
        sys.stdout.write(_listed())
        return 0
    hooks = [hook for text in options.hooks for hook in text.replace(",", " ").split()]
    if options.name is None:
        raise UsageError(
            "the plugin's NAME is missing; put it first: "
            "planwise plugins new my-batcher --hooks plan_batches"
        )
    names = names_for(options.name)
    if not hooks:
        sys.stderr.write(_listed())
        raise UsageError(
            "--hooks is missing: say what the plugin is to do, for example "
            f"planwise plugins new {names.plugin} --hooks plan_batches"
        )
    parts = parts_for(hooks)
    refuse_taken(names, installed_plugins())
    if options.dir is not None and not options.dir.strip():
        raise UsageError("--dir is empty; name a folder, or leave it out")
    folder = Path(options.dir or names.distribution)
    refuse_used(folder)
    files = package_files(names, parts)
    write_folder(folder.absolute(), files)
    sys.stdout.write(_written(folder, names, parts, hooks, len(files)))
    return 0


def _listed() -> str:
    from planwise.scaffold.parts import hook_lines

    lines = hook_lines()
    wide = max(len(name) for name, _, _ in lines)
    return "".join(f"{name:{wide}}  {kind:7}  {purpose}\n" for name, kind, purpose in lines)


def _written(
    folder: Path, names: Names, parts: Sequence[Part], asked: Sequence[str], files: int
) -> str:
    """What was written, and the next commands."""
    from planwise.scaffold.package import flags_of, measured_flags
    from planwise.scaffold.parts import hooks_of

    hooks = hooks_of(parts)
    along = [hook for hook in hooks if hook not in asked]
    lines = [f"wrote {files} files to {folder}: plugin '{names.plugin}' with {', '.join(hooks)}"]
    if along:
        lines.append(f"came along, since the others are of no use without: {', '.join(along)}")
    flags = flags_of(parts)
    if flags:
        lines.append(f"it stands in for what comes with planwise: run it with {flags}")
    with_it, without = measured_flags(names, parts)
    course = "--years 2025-2026"
    there = folder.absolute() == Path.cwd()
    commands = [
        *([] if there else [f"cd {shlex.quote(str(folder))}"]),
        "pip install -e '.[dev]'",
        "pytest",
        "planwise census generate --employees 1000 --output census.csv",
        f"planwise simulate --census census.csv {course} {flags}".rstrip(),
        f'planwise bench ab --a "{without}" --b "{with_it}" --employees 1000 {course}',
    ]
    return "\n".join([*lines, "", "next:", *(f"  {each}" for each in commands)]) + "\n"
