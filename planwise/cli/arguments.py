"""From words to parsed arguments: what nobody knows is refused, what only plugins know is kept."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from planwise.cli.parser import Parser, known_flags, unknown_arguments
from planwise.errors import UsageError


def understood(
    words: Sequence[str], parser: Parser, plugins: Iterable[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Parse the arguments of planwise.

    Args:
        words: without the program's name.
        parser: of planwise, made for these plugins.
        plugins: names of the installed plugins.

    Returns:
        The options, and the words that may be options of plugins, which only ``simulate`` has.

    Raises:
        UsageError: an argument is wrong, or nobody knows it.
    """
    names = list(plugins)
    options, rest = parser.parse_known_args(words)
    if rest and options.command == "simulate":
        rest = _plugin_words(rest, names)
    if rest and not (options.command == "simulate" and _looks_like_option(rest[0], names)):
        known = known_flags(parser, options.command) if options.command else []
        raise UsageError(unknown_arguments(rest, names, known, options.command))
    return options, rest


def _plugin_words(rest: list[str], plugins: Iterable[str]) -> list[str]:
    """Refuse the first word that can be no plugin's option; keep the others for the plugins."""
    for word in rest:
        if word.startswith("--") and not _looks_like_option(word, plugins):
            return [word]
    return rest


def _looks_like_option(word: str, plugins: Iterable[str]) -> bool:
    bare = word.removeprefix("--no-") if word.startswith("--no-") else word.removeprefix("--")
    return word.startswith("--") and any(bare.startswith(f"{name}-") for name in plugins)
