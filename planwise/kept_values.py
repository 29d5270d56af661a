"""Values made from JSON that was written before, and held to their types."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_MOST: Final = 2**63
_T = TypeVar("_T")


def made(kind: type[_T], data: Mapping[str, Any], **instead: Any) -> _T:
    """A value from its keys; those that a newer planwise added are left out.

    Args:
        kind: an attrs class, whose annotations say what each key may hold.
        data: the keys, as JSON gives them.
        instead: what takes the place of a key that JSON has no type for.

    Raises:
        TypeError: a key is missing, or its value is of another type; it is named.
    """
    hints = _hints(kind)  # type: ignore[arg-type]  # mypy: every class is hashable
    given = {key: value for key, value in data.items() if key in hints} | instead
    for key, value in given.items():
        hold_to(value, hints[key], key)
    return kind(**given)


def hold_to(value: object, hint: Any, key: str) -> None:
    """Refuse a value of another type.

    Args:
        value: as JSON gives it.
        hint: the type; of a list, what it holds.
        key: what it is called.

    Raises:
        TypeError: it is of another type.
    """
    if not _fits(value, hint):
        raise TypeError(f"{key} is {value!r:.80}")


@cache  # they are evaluated from text each time, and a run of 50 years has thousands of models
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of a type; whoever reads the record relies on it."""
    if hint is Any:
        return True
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is Literal:
        return value in inner
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = inner[:1] * len(value) if ... in inner else inner
        return len(value) == len(kinds) and all(map(_fits, value, kinds))
    if origin is list:
        return isinstance(value, list) and all(_fits(each, inner[0]) for each in value)
    if origin is Mapping:
        keys, values = inner
        return isinstance(value, dict) and all(
            _fits(key, keys) and _fits(each, values) for key, each in value.items()
        )
    if hint in (int, float):
        # No NaN, and nothing that a sum of floats could not hold.
        number = isinstance(value, int if hint is int else int | float)
        return number and not isinstance(value, bool) and -_MOST <= value <= _MOST  # type: ignore[operator]  # it is a number
    return isinstance(value, hint)


def perhaps(kind: type[_T], data: Mapping[str, Any] | None) -> _T | None:
    """A value that may be missing."""
    return None if data is None else made(kind, data)
