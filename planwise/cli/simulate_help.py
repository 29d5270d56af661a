"""The help of ``planwise simulate``: it loads the plugins for their options, and nothing else."""

from __future__ import annotations

import argparse
from collections.abc import Container

from planwise.cli.parser import command_parser, option_parser
from planwise.errors import PlanwiseError
from planwise.plugins import installed_plugins, load_plugins
from planwise.relay import Relay


def print_help(parser: argparse.ArgumentParser, words: Container[str] = ()) -> None:
    """The help of ``simulate``, with the options that the installed plugins declare.

    A plugin that cannot say its options is named in their place: whoever asks for help may well
    look for the flag that switches it off.

    Args:
        parser: of planwise.
        words: the arguments; a plugin that ``--no-NAME`` switches off is not loaded.
    """
    parts = [command_parser(parser, "simulate").format_help()]
    for plugin in installed_plugins().values():
        if f"--no-{plugin.name}" in words:
            continue
        try:
            # One by one: plugins that exclude each other still have help.
            declared = Relay(load_plugins([plugin])).add_options()
            if any(declared.values()):
                parts.append(option_parser(declared).format_help())
        except PlanwiseError as error:
            parts.append(f"options of the plugin {plugin.name}: not known\n  {error}\n")
    for part in parts:
        print(part)  # noqa: T201  # this is the CLI
