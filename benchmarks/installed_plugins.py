"""What installed plugins that are off cost a start: the same commands, with and without them.

Run it from the checkout, in its environment: ``python benchmarks/installed_plugins.py --help``.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from planwise.bench.job import clean_environment, planwise_command
from planwise.bench.process import Cost, run
from planwise.bench.ratios import compare
from planwise.bench.script import begin, run_script
from planwise.errors import UsageError
from planwise.plugins import GROUP

_NONE: Final = "none"
_OFF: Final = "all off"
_METADATA: Final = "Requires-Dist: planwise>=0.1\n\n" + "A plugin for planwise.\n" * 200
"""As long as that of a plugin with a README."""
_COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "planwise --version": ("--version",),
    "planwise simulate --dry-run": ("simulate", "--years", "2025", "--dry-run"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 measured, 1 failed or above the bound, 2 wrong usage, 130 interrupted.
    """
    return run_script("installed_plugins", lambda: _benchmark(_parser().parse_args(arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "installed_plugins.py", description=(__doc__ or "").splitlines()[0], allow_abbrev=False
    )
    add = parser.add_argument
    add("--plugins", type=int, default=50, metavar="N", help="how many (default: 50)")
    add("--rounds", type=int, default=30, metavar="N", help="pairs of each command (default: 30)")
    add("--bound", type=float, metavar="RATIO", help="exit code 1 if a median is above it")
    add("--seed", type=int, metavar="N", help="of the order and the bootstrap (default: random)")
    return parser


def _benchmark(options: argparse.Namespace) -> int:
    if options.rounds < 1 or options.plugins < 1:
        raise UsageError("--rounds, --plugins: expected 1 or more")
    seed = begin(options.rounds, options.seed)
    with tempfile.TemporaryDirectory(prefix="planwise-bench-") as name:
        seen = _measure(options.plugins, options.rounds, seed, Path(name).resolve())
    print(f"\n{options.plugins} installed plugins, all off, against none.\n")
    print("| command | time | none, s | all off, s | ratio | 95 % interval |")
    print("|---|---|---|---|---|---|")
    above = False
    for command, costs in seen.items():
        for kind, name in (("wall", "wall_s"), ("CPU", "cpu_s")):
            off, none = ([getattr(cost, name) for cost in costs[arm]] for arm in (_OFF, _NONE))
            found = compare(off, none, seed=seed)
            above = above or (options.bound is not None and found.ratio > options.bound)
            print(
                f"| `{command}` | {kind} | {median(none):.3f} | {median(off):.3f} "
                f"| {found.ratio:.3f} | {found.low:.3f} to {found.high:.3f} |"
            )
    return int(above)


def install(folder: Path, count: int) -> None:
    """Install distributions with a plugin each, which may not be imported.

    Args:
        folder: to be put on Python's path.
        count: how many.
    """
    for number in range(count):
        name = f"idle_{number}"
        source = "raise SystemExit('a plugin that is off was imported')\n"
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (info / "METADATA").write_text(head + _METADATA, encoding="utf-8")
        points = f"[{GROUP}]\nidle-{number} = {name}:Plugin\n"
        (info / "entry_points.txt").write_text(points, encoding="utf-8")


def _measure(count: int, rounds: int, seed: int, scratch: Path) -> dict[str, dict[str, list[Cost]]]:
    """What each command takes in each arm, in an order of its own in each round."""
    arms = {_OFF: scratch / "site", _NONE: scratch / "empty"}
    census = "census: {synthetic: {employees: 100}}\n"
    for arm, folder in arms.items():
        folder.mkdir()
        names = [] if arm == _NONE else [f"idle-{number}" for number in range(count)]
        plugins = ", ".join(f"{name}: {{enabled: false}}" for name in names)
        (folder / "config").mkdir()
        text = f"{census}plugins: {{{plugins}}}\n"
        (folder / "config" / "simulation_config.yaml").write_text(text, encoding="utf-8")
    install(arms[_OFF], count)
    order = random.Random(seed)  # noqa: S311  # an order, not a secret
    seen: dict[str, dict[str, list[Cost]]] = {
        command: {arm: [] for arm in arms} for command in _COMMANDS
    }
    for number in range(rounds + 1):
        for command, words in _COMMANDS.items():
            sequence = list(arms)
            order.shuffle(sequence)
            for arm in sequence:
                cost = _planwise(*words, folder=arms[arm], scratch=scratch)
                if number:  # the first round fills the caches
                    seen[command][arm].append(cost)
        print(f"round {number} of {rounds}", flush=True)
    return seen


def _planwise(*words: str, folder: Path, scratch: Path) -> Cost:
    environment = clean_environment()
    path = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(path), "XDG_CACHE_HOME": str(scratch / "caches")}
    return run(
        planwise_command(*words), cwd=folder, environment=environment, log=scratch / "run.log"
    )


if __name__ == "__main__":
    sys.exit(main())
