"""Results of benchmarks that were stored as JSON, read strictly."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar

from attrs import frozen

from planwise.errors import UsageError

MOST_BYTES: Final = 64 << 20
"""A result of 256 arms and 100 rounds takes about 10 MB."""

_T = TypeVar("_T")
_NOUNS: Final = {dict: "an object", list: "a list", str: "a text", int: "a whole number"}
_NONE: Final = type(None)
_MACHINE: Final = {"processor": str, "cores_granted": float, "memory_bytes": int, "system": str}
_CALLED: Final[Mapping[str, tuple[type, ...]]] = {
    "years": (list,),
    "branch_from": (int, _NONE),
    "census": (str, _NONE),
    "census_date": (str, _NONE),
    "employees": (int, _NONE),
    "scenarios": (list,),
    "pool_size": (int,),
    "memory_limit": (str, _NONE),
    "cold": (bool, _NONE),
}
"""How the benchmark was called, as far as results of other calls cannot be compared."""


class UnusableResultError(UsageError):
    """A file that holds no result of a benchmark, or two that cannot be compared."""


@frozen
class StoredArm:
    """An arm of a stored result.

    Attributes:
        definition: what it ran: the kind of arm, its years, reference and flags.
        reference: the arm that its ratios are taken to; its own name if it is that one.
        wall_s: of each round.
    """

    definition: Mapping[str, Any]
    reference: str
    wall_s: Mapping[int, float]


@frozen
class StoredResult:
    """A stored result.

    Attributes:
        file: where it was read.
        benchmark: the action that made it.
        called: how that was called, as far as both of two have to be called alike.
        machine: what it was made on, without its load.
        seed: of its bootstrap.
        arms: by name.
        tables: digest of every table.
    """

    file: Path
    benchmark: str
    called: Mapping[str, Any]
    machine: Mapping[str, Any]
    seed: int
    arms: Mapping[str, StoredArm]
    tables: Mapping[str, str]


def read_result(file: Path) -> StoredResult:
    """Read what ``--output`` of a benchmark wrote.

    Args:
        file: the JSON.

    Raises:
        UnusableResultError: it cannot be read, is no JSON, is too large, or a key is missing or
            has another type than a result has.
    """
    return result_of(file, read_json(file))


def result_of(file: Path, content: Any) -> StoredResult:
    """A result from what :func:`read_json` gave.

    Args:
        file: where it is from, for messages.
        content: what is in it.

    Raises:
        UnusableResultError: a key is missing or has another type than a result has.
    """
    reader = Reader(file)
    if not isinstance(content, dict) or "schema_version" not in content:
        reader.refuse("is no result of `planwise bench`: it has no key 'schema_version'")
    version = reader.value(content, "schema_version", int)
    if version != 1:
        reader.refuse(f"schema_version {version} is not known; expected 1")
    benchmark = reader.value(content, "benchmark", str)
    if "arms" not in content:
        reader.refuse(f"a result of `{benchmark}` has no key 'arms', and cannot be compared")
    machine = reader.value(content, "machine", dict)
    arms = reader.value(content, "arms", dict)
    return StoredResult(
        file=file,
        benchmark=benchmark,
        called={key: reader.optional(content, key, *kinds) for key, kinds in _CALLED.items()},
        machine={key: reader.value(machine, key, k, "machine.") for key, k in _MACHINE.items()},
        seed=reader.value(content, "seed", int),
        arms=_arms(reader, arms, _times(reader, content, arms)),
        tables=dict(reader.texts(content, "tables")),
    )


def read_json(file: Path) -> Any:
    """What is in the file of a result, nothing of it checked yet.

    Raises:
        UnusableResultError: it cannot be read, is no JSON, or is too large.
    """
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise UnusableResultError(
                f"{file}: takes {size:,} bytes, and no result takes more than {MOST_BYTES:,}; "
                "give a file that `planwise bench ... --output` wrote"
            )
        text = file.read_text(encoding="utf-8")
        return json.loads(text, parse_constant=_refuse_constant)
    except OSError as error:
        raise UnusableResultError(f"{file}: cannot be read: {error.strerror or error}") from error
    except RecursionError:
        raise UnusableResultError(f"{file}: is no result: nested too deeply") from None
    except ValueError as error:  # no UTF-8, no JSON, or a number of thousands of digits
        reason = " ".join(str(error).split())[:200]
        raise UnusableResultError(
            f"{file}: is no complete JSON ({reason}); give a file that "
            "`planwise bench ... --output` wrote"
        ) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


@frozen
class Reader:
    """Takes values out of a file's JSON, and names file and key where one is wrong."""

    file: Path

    def refuse(self, problem: str) -> NoReturn:
        """Refuse the file, with what is wrong with it."""
        raise UnusableResultError(f"{self.file}: {problem}")

    def value(self, content: Mapping[str, Any], key: str, kind: type[_T], where: str = "") -> _T:
        """The value of a key that has to be there; ``where`` is what comes before the key."""
        if key not in content:
            self.refuse(f"the key '{where}{key}' is missing")
        return self.checked(content[key], kind, where + key)

    def optional(self, content: Mapping[str, Any], key: str, *kinds: type) -> Any:
        """The value of a key, of the first of the types; None if that is among them."""
        value = content.get(key)
        if value is None and _NONE in kinds:
            return None
        found: Any = self.value(content, key, kinds[0])
        if kinds[0] is list and not all(type(each) in (str, int) for each in found):
            self.refuse(f"'{key}': expected a list of texts or whole numbers")
        return found

    def checked(self, value: Any, kind: type[_T], where: str) -> _T:
        """A value of a type; a whole number does for a number."""
        found: Any = value
        if kind is float:
            if type(found) is int and abs(found) < 1 << 53:
                found = float(found)
            if type(found) is not float or not math.isfinite(found):
                self.refuse(f"'{where}': expected a number, got {_shown(value)}")
        elif type(found) is not kind:  # True is no whole number
            noun = _NOUNS.get(kind, "true or false")
            self.refuse(f"'{where}': expected {noun}, got {_shown(value)}")
        checked: _T = found
        return checked

    def texts(self, content: Mapping[str, Any], key: str) -> dict[str, str]:
        """The value of a key that holds texts by name."""
        found: dict[str, Any] = self.value(content, key, dict)
        return {n: self.checked(each, str, f"{key}.{n}") for n, each in found.items()}


def _times(
    reader: Reader, content: Mapping[str, Any], arms: Mapping[str, Any]
) -> dict[str, dict[int, float]]:
    """Seconds of each round, by arm."""
    found: dict[str, dict[int, float]] = {name: {} for name in arms}
    for number, each in enumerate(reader.value(content, "observations", list)):
        where = f"observations[{number}]"
        observation = reader.checked(each, dict, where)
        arm = reader.value(observation, "arm", str, f"{where}.")
        round_ = reader.value(observation, "round", int, f"{where}.")
        wall_s = reader.value(observation, "wall_s", float, f"{where}.")
        if arm not in found:
            reader.refuse(f"'{where}.arm': {_shown(arm)} is not among the arms")
        if wall_s <= 0:
            reader.refuse(f"'{where}.wall_s': expected seconds above 0, got {_shown(wall_s)}")
        if round_ in found[arm]:
            reader.refuse(f"'{where}.round': arm {_shown(arm)} has round {round_} twice")
        found[arm][round_] = wall_s
    return found


def _arms(
    reader: Reader, arms: Mapping[str, Any], times: Mapping[str, Mapping[int, float]]
) -> dict[str, StoredArm]:
    found = {}
    for name, each in arms.items():
        if not name.isprintable():  # it goes to a terminal
            reader.refuse(f"'arms': {_shown(name)} is no name of an arm")
        where = f"arms.{name}"
        arm = reader.checked(each, dict, where)
        reference = reader.value(arm, "reference", str, f"{where}.")
        if reference not in arms:
            reader.refuse(f"'{where}.reference': {_shown(reference)} is not among the arms")
        if not times[name] or times[name].keys() != times[reference].keys():
            reader.refuse(f"'observations': arm {_shown(name)} lacks rounds of its reference")
        definition = {key: arm.get(key) for key in ("arm", "years", "reference", "flags")}
        found[name] = StoredArm(definition, reference, times[name])
    return found


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float, _NONE)) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
