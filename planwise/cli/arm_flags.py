"""Flags of ``planwise simulate`` that an arm of a benchmark runs with: read, refused, looked into.

``python -m planwise.cli.arm_flags REQUEST ANSWER`` is the process that understands them as
``simulate`` would, and loads the plugins that are on: the one that measures stays small, and no
plugin that is off is imported.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from planwise.errors import PlanwiseError, UsageError

_BOTH: Final = "both arms have to compute the same"
_OWN: Final = "the benchmark says where results and caches go"
_WHOLE: Final = "each run begins anew and runs to its end"
_PLUGINS: Final = "an arm is measured with its plugins, or not at all"
OWNED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("--census", "--census-date", "--years", "--scenario", "--config"), _BOTH),
    **dict.fromkeys(("--dbt-project", "--seed", "--step-var", "--foundation", "--select"), _BOTH),
    **dict.fromkeys(("--vars", "--profiles-dir", "--target"), _BOTH),
    **dict.fromkeys(("--keep-intermediates", "--test"), _BOTH),  # these leave further tables
    **dict.fromkeys(("--database", "--output", "--cache-dir", "--record-statements"), _OWN),
    "--metrics": _OWN,
    "--plugin-errors": _PLUGINS,
    **dict.fromkeys(("--resume", "--from", "--dry-run", "--help", "-h", "--version"), _WHOLE),
}
"""Flags of ``simulate`` that no arm may have, with the reason."""
_STATES: Final = {"--no-checkpoints": "with --branch-from it goes on from what it stored"}


def arm_flags(text: str, option: str, *, branching: bool = False) -> tuple[str, ...]:
    """The flags of an arm, from one text.

    Args:
        text: as one would write them in a shell.
        option: what it was given to, for messages.
        branching: whether the arm is a branch from a run of its own.

    Raises:
        UsageError: it cannot be split, or has a flag that an arm may not have.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{option}: '{text}' cannot be split into flags: {error}") from None
    owned = {**OWNED, **_STATES} if branching else OWNED
    for word in words:
        flag = word.split("=")[0]
        if flag in owned:
            # Some are options of the benchmark itself, others are not to be had at all.
            raise UsageError(f"{option}: {flag} cannot be a flag of an arm: {owned[flag]}")
    return tuple(words)


def active_hooks(
    arms: Mapping[str, Sequence[str]], config: Path | None
) -> dict[str, dict[str, list[str]]]:
    """The hooks of each plugin that is on in each arm; refuses flags that ``simulate`` would.

    Args:
        arms: the flags of each, by what messages are to call it.
        config: the configuration of all, or None for the defaults.

    Raises:
        UsageError: an arm has a flag that nobody knows, or a wrong value.
        PlanwiseError: a plugin that is on cannot be loaded, or the configuration is wrong.
    """
    from planwise.bench.job import clean_environment
    from planwise.bench.process import run

    request = {
        "arms": {name: list(flags) for name, flags in arms.items()},
        "config": None if config is None else str(config.resolve()),
    }
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        folder = Path(name)
        answer = folder / "answer.json"
        run(
            (sys.executable, "-m", "planwise.cli.arm_flags", json.dumps(request), str(answer)),
            cwd=folder,
            environment=clean_environment(),
            log=folder / "log",
        )
        found = json.loads(answer.read_text(encoding="utf-8"))
    if "problem" in found:
        kind = UsageError if found["exit_code"] == UsageError.exit_code else PlanwiseError
        raise kind(found["problem"])
    hooks: dict[str, dict[str, list[str]]] = found["hooks"]
    return hooks


def look_into(flags: Sequence[str], config: Path | None) -> dict[str, list[str]]:
    """The hooks of each plugin that is on with these flags. Loads those plugins.

    Args:
        flags: of ``simulate``.
        config: a configuration, or None for the defaults.

    Raises:
        PlanwiseError: as ``simulate`` would refuse them.
    """
    from planwise.cli.arguments import understood
    from planwise.cli.parser import build_parser
    from planwise.cli.settled import settled_toggles
    from planwise.cli.simulate import plugin_flags
    from planwise.config import load_config
    from planwise.plugin_set import enabled_plugins
    from planwise.plugins import implemented_hooks, installed_plugins, load_plugins
    from planwise.warehouse.pool import check_pool_size

    installed = installed_plugins()
    options, rest = understood(["simulate", *flags], build_parser(installed), installed)
    if options.pool_size is not None:
        check_pool_size(options.pool_size)
    toggles = enabled_plugins(load_config(config), settled_toggles(options))
    loaded = load_plugins(installed[name] for name, on in toggles.items() if on)
    if rest:
        plugin_flags(rest, toggles)
    return {plugin.name: list(implemented_hooks(plugin.instance)) for plugin in loaded}


def main(request: str, answer: str) -> None:
    """Write the hooks of each arm, or what is wrong with one, to a file."""
    words = json.loads(request)
    config = None if words["config"] is None else Path(words["config"])
    found: dict[str, Any] = {"hooks": {}}
    for name, flags in words["arms"].items():
        try:
            found["hooks"][name] = look_into(flags, config)
        except PlanwiseError as error:
            found = {"problem": f"{name}: {error}", "exit_code": error.exit_code}
            break
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
