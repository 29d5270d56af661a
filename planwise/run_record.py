"""What a run did, kept beside its database: who executed each model, why, and for how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from planwise.errors import WarehouseError
from planwise.results import ModelRecord, PhaseRecord, RunResult
from planwise.run_files import write_text_atomically

FILE_NAME: Final = "run.json"
_FORMAT: Final = 1


@frozen
class PhaseAccount:
    """The foundation or a year, as far as it is kept.

    Attributes:
        name: ``foundation`` or ``year 2026``.
        wall_s: from its start to its end.
        state_s: storing the state and trying to read it back, beside the phase that follows.
        models: every execution, in order.
    """

    name: str
    wall_s: float
    state_s: float
    models: tuple[ModelRecord, ...]


@frozen
class RunAccount:
    """A run.

    Attributes:
        wall_s: of the whole run.
        parsed_anew_because: what the year decides when the project is parsed.
        uncached_because: why nothing rendered is kept between runs; empty if it is.
        phases: the foundation, then the years.
    """

    wall_s: float
    parsed_anew_because: tuple[str, ...]
    uncached_because: str
    phases: tuple[PhaseAccount, ...]


def account_of(result: RunResult) -> RunAccount:
    """What is kept of a result."""
    phases = (result.foundation, *result.year_phases)
    return RunAccount(
        wall_s=result.wall_s,
        parsed_anew_because=result.parsed_anew_because,
        uncached_because=result.uncached_because,
        phases=tuple(map(_phase, phases)),
    )


def _phase(record: PhaseRecord) -> PhaseAccount:
    stored = record.checkpoint
    seconds = stored.compress_s + stored.restore_s if stored else 0.0
    return PhaseAccount(record.name, record.wall_s, seconds, record.models)


def write_account(folder: Path, result: RunResult) -> None:
    """Write the account of a run into its folder.

    Args:
        folder: the run's own, beside the database.
        result: the run.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    content = {"format": _FORMAT, **attrs.asdict(account_of(result))}
    text = json.dumps(content)
    write_text_atomically(folder / FILE_NAME, text)


def read_account(folder: Path) -> RunAccount:
    """Read the account of the last run.

    Raises:
        WarehouseError: there is none, or it is not readable; the mend is named.
    """
    file = folder / FILE_NAME
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content.pop("format") != _FORMAT:
            content = {}  # another version's: its keys may mean something else
        return RunAccount(
            wall_s=content["wall_s"],
            parsed_anew_because=tuple(content["parsed_anew_because"]),
            uncached_because=content["uncached_because"],
            phases=tuple(map(_phase_from, content["phases"])),
        )
    except FileNotFoundError:
        raise WarehouseError(
            f"{file}: no such file; it is written by planwise simulate, for the database beside it"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise WarehouseError(
            f"{file}: cannot be used ({type(error).__name__}: {error}); simulate again"
        ) from error


def _phase_from(data: Mapping[str, Any]) -> PhaseAccount:
    models = tuple(
        ModelRecord(**{**each, "depends_on": tuple(each["depends_on"])}) for each in data["models"]
    )
    return PhaseAccount(data["name"], data["wall_s"], data["state_s"], models)
