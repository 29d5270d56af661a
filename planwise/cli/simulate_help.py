"""The help of ``planwise simulate``: it loads the plugins for their options, and nothing else."""

from __future__ import annotations

import argparse

from planwise.cli.parser import command_parser, option_parser
from planwise.plugins import installed_plugins, load_plugins
from planwise.relay import Relay


def print_help(parser: argparse.ArgumentParser) -> None:
    """The help of ``simulate``, with the options that the installed plugins declare."""
    print(command_parser(parser, "simulate").format_help())  # noqa: T201  # this is the CLI
    for plugin in installed_plugins().values():
        # One by one: plugins that exclude each other still have help.
        declared = Relay(load_plugins([plugin])).add_options()
        if any(declared.values()):
            print(option_parser(declared).format_help())  # noqa: T201  # as above
