"""What a run is made from: two runs of one identity give the same tables.

What only decides how fast it goes (plugins, pool, memory) is no part of it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise import __version__

if TYPE_CHECKING:
    from planwise.config import Config
    from planwise.project.fingerprint import Fingerprint
    from planwise.project.spec import ProjectSpec

Identity = Mapping[str, Any]
"""JSON-ready: sections by name."""

_LIBRARIES: Final = ("dbt-core", "dbt-duckdb", "duckdb")
_MOST_SHOWN: Final = 4
_HASH_LENGTH: Final = 64

PROJECT: Final = "project"
CENSUS: Final = "census"
CONFIG: Final = "config"
VERSIONS: Final = "versions"
YEARS: Final = "years"
BRANCH: Final = "branch"


def run_identity(
    configs: Sequence[Config],
    spec: ProjectSpec,
    fingerprint: Fingerprint,
    years: Sequence[int],
    *,
    reads_inputs: bool,
    branch: str | None = None,
) -> Identity:
    """The identity of a run.

    Args:
        configs: the settled configurations, one a scenario.
        spec: the project and its steps.
        fingerprint: the project's files and the environment that it reads.
        years: the simulation years.
        reads_inputs: whether census and configuration are part of the result; they are not that of
            a project that reads neither.
        branch: the run and year that it starts from; None for one that starts by itself.

    Raises:
        OSError: a script of the project cannot be read.
    """
    steps = {**spec.identity(), "target": spec.target}
    del steps["keep"]  # of tables that no other one is made from
    inputs = configs if reads_inputs else ()
    return {
        VERSIONS: {"planwise": __version__, **{name: _version(name) for name in _LIBRARIES}},
        PROJECT: {
            "files": dict(fingerprint.files),
            "environment": dict(fingerprint.variables),
            "steps": steps,
        },
        YEARS: list(years),
        BRANCH: branch,
        CENSUS: _census(configs[0].census.file) if inputs else None,
        CONFIG: {each.simulation.scenario: _settings(each) for each in inputs},
    }


def differences(before: Identity, now: Identity, sections: Sequence[str] = ()) -> list[str]:
    """What differs between two identities, a few words each.

    Args:
        before, now: the identities.
        sections: only these; all without.
    """
    wanted = sections or sorted({*before, *now})
    found: list[str] = []
    for section in wanted:
        old, new = (dict(_flat(each.get(section), section)) for each in (before, now))
        found += [
            _difference(key, old.get(key), new.get(key))
            for key in sorted({*old, *new})
            if old.get(key) != new.get(key)
        ]
    return found


def told(found: Sequence[str]) -> str:
    """Differences as part of a sentence: the first few, and how many more."""
    shown = "; ".join(found[:_MOST_SHOWN])
    more = len(found) - _MOST_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _difference(key: str, old: object, new: object) -> str:
    name = key.removeprefix(f"{PROJECT}.files.").removeprefix(f"{CONFIG}.")
    name = name.removeprefix(f"{PROJECT}.steps.scripts.").removeprefix(f"{PROJECT}.steps.")
    if name == f"{CENSUS}.sha256":
        return "the census has other content (--census names it)"
    if _is_hash(old) or _is_hash(new):
        what = "is new" if old is None else "is gone" if new is None else "has changed"
        return f"{name.removeprefix(f'{PROJECT}.environment.')} {what}"
    return f"{name} was {_word(old)} and is {_word(new)}"


def _word(value: object) -> str:
    return "not set" if value is None else str(value)[:80]


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == _HASH_LENGTH


def _flat(value: Any, prefix: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [pair for key, each in value.items() for pair in _flat(each, f"{prefix}.{key}")]
    if isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        return _flat({str(n): each for n, each in enumerate(value, 1)}, prefix)
    if isinstance(value, list | tuple):
        return [(prefix, ", ".join(map(str, value)))]
    return [(prefix, value)]


def _settings(config: Config) -> dict[str, Any]:
    """The sections that decide a result; years and census are told apart from them."""
    sections = ("simulation", "census", "workforce", "compensation", "plan")
    found = {name: getattr(config, name).model_dump(mode="json") for name in sections}
    for key in ("start_year", "end_year"):
        found["simulation"].pop(key)
    found["census"].pop("file")
    return found


def _census(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None  # generated from the configuration
    try:
        with file.open("rb") as stream:
            return {"sha256": hashlib.file_digest(stream, "sha256").hexdigest()}
    except OSError:
        return {"sha256": None}  # whoever reads it says what is wrong with it


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
