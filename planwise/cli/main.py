"""``planwise``: reads the arguments, runs a command, turns errors into a line and an exit code."""

from __future__ import annotations

import argparse
import gc
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

from planwise.cli.stopping import PATIENCE_S, Stopping, Terminated
from planwise.errors import (
    AlreadyCompleteError,
    ConfigError,
    PlanwiseError,
    PluginError,
    StandardOutputError,
)
from planwise.interruption import noted_failure
from planwise.prints import prints_kept_apart

_OBJECTS: Final = 100_000
"""Python looks for cycles after so many new objects. It would do so 160 times in a warm run, mostly
among what is imported and stays, which takes 0.1 s."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run planwise.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verbose = "--verbose" in words
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # file names need not be text
    with Stopping(PATIENCE_S if words[:1] == ["simulate"] else None) as stopping:
        try:
            with prints_kept_apart():
                try:
                    return _run(words)
                finally:
                    sys.stdout.flush()  # a reader that has gone is noticed here, not at the end
        except KeyboardInterrupt as stop:
            failure = noted_failure()
            if failure is None:
                return _stopped(stop)
            return _failed(failure, verbose=verbose)  # it was about to be told
        except Exception as error:  # noqa: BLE001  # told apart below; a bug has to look like one
            if verbose:
                traceback.print_exc()
            # A library in whose middle a signal was raised makes another error of it.
            heard = stopping.raised
            if heard is None or noted_failure() is not None:
                return _failed(error, verbose=verbose)
            return _stopped(heard)


def _stopped(stop: KeyboardInterrupt) -> int:
    how, code = ("terminated", 143) if isinstance(stop, Terminated) else ("interrupted", 130)
    _say(f"{how}; {str(stop) or 'nothing was published, and an earlier result is as it was'}")
    return code


def _failed(error: Exception, *, verbose: bool) -> int:
    """Say what went wrong; gives the exit code."""
    if isinstance(error, BrokenPipeError | StandardOutputError):
        # What is still buffered must not fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, PlanwiseError):
        for line in error.problems if isinstance(error, ConfigError) else [str(error)]:
            _say(" ".join(line.split()))
        # A plugin may raise a class of its own: a failure never looks like a success.
        known = error.exit_code in (1, 2) or isinstance(error, AlreadyCompleteError)
        return error.exit_code if known else 1
    if isinstance(error, BrokenPipeError):
        return 1  # the reader of our output has gone, and wants to hear no more
    if isinstance(error, ImportError):
        missing = (error.name or "").partition(".")[0]
        if (not missing or missing.startswith("planwise")) and not verbose:
            traceback.print_exception(error)
        _say(
            f"the library '{missing or 'unknown'}' cannot be imported ({error}); "
            "install planwise again with its dependencies: pip install --force-reinstall planwise"
        )
        return 1
    if not verbose:
        traceback.print_exception(error)
    _say("a bug in planwise or a plugin; please report it with the lines above")
    return 1


def _say(line: str) -> None:
    print(f"planwise: {line}", file=sys.stderr)  # noqa: T201  # this is the CLI


def _run(words: list[str]) -> int:
    # Imported here, so that a library that is missing is one line too.
    from planwise.cli.arguments import understood
    from planwise.cli.parser import build_parser
    from planwise.plugins import installed_plugins

    try:
        plugins = installed_plugins()
    except PluginError:
        if words[:1] != ["plugins"] or "doctor" not in words:
            raise
        plugins = {}  # what is wrong is what it is asked for
    parser = build_parser(plugins)
    if words[:1] == ["simulate"] and {"-h", "--help"} & set(words):
        from planwise.cli.simulate_help import print_help

        print_help(parser, words)
        return 0
    options, rest = understood(words, parser, plugins)
    if options.command is None:
        parser.print_help()
        return 2
    return _command(options, rest)


def _command(options: argparse.Namespace, rest: list[str]) -> int:
    """Import and run one command; the heavy parts of the others stay unloaded."""
    if (module := getattr(options, "module", None)) is not None:
        return int(importlib.import_module(f"planwise.cli.{module}").run(options))
    if options.command == "simulate":
        from planwise.cli.simulate import simulate

        return simulate(options, rest)
    if options.command == "validate":
        from planwise.cli.validate import validate

        return validate(options)
    from planwise.cli import small_commands

    return int(getattr(small_commands, options.command)(options))


def program() -> NoReturn:
    """The process: runs planwise and ends with its exit code."""
    gc.set_threshold(_OBJECTS)
    code = main()
    # Python looks for cycles in all that is left, three times, though the process frees it anyway.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    program()
