"""How names and values of a user's file are shown in a one-line message."""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    KeyPath = Sequence[str | int]

_LONGEST = 60
_HARMLESS = re.compile(r"[A-Za-z0-9_.+<>/-]{1,60}")


def shown(value: object) -> str:
    """A value as a message shows it: one line, bounded, without control characters."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str():
            text = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
            return quoted(text)
        case _:
            return str(value)


def quoted(text: str) -> str:
    """Text in quotes with whatever a terminal could act upon escaped."""
    return repr(text)


def shown_key(key: str | int) -> str:
    """One step of a key path: plain where it is harmless, else quoted."""
    if isinstance(key, int):
        return f"[{key + 1}]"
    return key if _HARMLESS.fullmatch(key) else shown(key)


def dotted(path: KeyPath) -> str:
    """A key path as users read it: ``workforce.levels[2].min_pay``; rows count from 1."""
    text = ""
    for step in path:
        text += shown_key(step) if isinstance(step, int) or not text else f".{shown_key(step)}"
    return text


def shown_path(path: Path) -> str:
    """A file name for a message; hostile characters in it are escaped."""
    text = str(path)
    return text if text.isprintable() else quoted(text)


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that a misspelt one most likely means, if any is near."""
    folded = {name.casefold().replace("-", "_"): name for name in known}
    wanted = key[:_LONGEST].casefold().replace("-", "_").replace(" ", "_")
    matches = get_close_matches(wanted, list(folded), n=1, cutoff=0.7)
    return folded[matches[0]] if matches else None
