"""Baselines that were measured and stored: one for a machine, a project and a size of census.

One JSON file each, in the user's folder for data and not in that of caches: it takes minutes to
make. A file that cannot be used is no reason for a run to fail; it is told with its mend.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import field, frozen

from planwise.errors import PlanwiseError
from planwise.machine import machine_facts
from planwise.run_files import write_text_atomically
from planwise.values import Baseline

FORMAT: Final = 1
MOST_BYTES: Final = 1 << 20
DATA_VARIABLE: Final = "PLANWISE_DATA_DIR"
_MEND: Final = "delete it, or measure again with `planwise bench baseline`"


class UnusableBaselineError(PlanwiseError):
    """A stored baseline that cannot be read, or does not hold what a baseline holds."""


@frozen
class Subject:
    """What a baseline is right for, and for nothing else.

    Attributes:
        machine: processor, cores, memory in bytes, system.
        project: SHA-256 of the project's files.
        people: people who are simulated; 0 for a project that reads no census.
        scenarios: how many in one pass.
    """

    machine: Mapping[str, Any]
    project: str
    people: int
    scenarios: int

    @property
    def name(self) -> str:
        """What its file is called."""
        text = json.dumps(attrs.asdict(self), sort_keys=True)
        return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"


@frozen
class StoredBaseline:
    """A baseline as it is stored.

    Attributes:
        subject: what it is right for.
        arm: what was measured, such as ``per-year``.
        measured_at: when, in UTC.
        years: how many were simulated.
        rounds: how often it was measured; the times are medians.
        foundation_setup_ms, year_processing_ms, total_simulation_ms: milliseconds.
        versions: of what did the work.
    """

    subject: Subject
    arm: str
    measured_at: datetime.datetime
    years: int
    rounds: int
    foundation_setup_ms: float
    year_processing_ms: float
    total_simulation_ms: float
    versions: Mapping[str, str] = field(factory=dict)

    def quoted(self, years: int) -> Baseline:
        """What a run quotes.

        Args:
            years: how many it simulates; the total holds for as many as were measured, and for no
                others.
        """
        return Baseline(
            "measured",
            self.foundation_setup_ms,
            self.year_processing_ms,
            self.total_simulation_ms if years == self.years else None,
            arm=self.arm,
            measured_at=self.measured_at.isoformat(timespec="seconds"),
        )


def baseline_folder(environ: Mapping[str, str]) -> Path:
    """Where baselines are: PLANWISE_DATA_DIR, or the user's folder for data.

    Args:
        environ: the process's environment.
    """
    named = environ.get(DATA_VARIABLE)
    home = environ.get("XDG_DATA_HOME") or "~/.local/share"
    folder = Path(named) if named else Path(home) / "planwise"
    return folder.expanduser().absolute() / "baselines"


def subject_of(files: Mapping[str, str], people: int, scenarios: int) -> Subject:
    """What a run on this machine would be held against.

    Args:
        files: SHA-256 of each file of the project, by its path in it.
        people: people who are simulated; 0 for a project that reads no census.
        scenarios: how many in one pass.
    """
    return Subject(machine_facts(), project_digest(files), people, scenarios)


def project_digest(files: Mapping[str, str]) -> str:
    """SHA-256 of a project.

    Args:
        files: SHA-256 of each of its files, by its path in it.
    """
    return hashlib.sha256(json.dumps(sorted(files.items())).encode()).hexdigest()


def write_baseline(baseline: StoredBaseline, folder: Path) -> Path:
    """Store a baseline, in place of an earlier one of the same subject; gives the file.

    Args:
        baseline: the baseline.
        folder: of :func:`baseline_folder`; made if it is missing.

    Raises:
        PlanwiseError: the folder cannot be written.
    """
    file = folder / baseline.subject.name
    content = {"format": FORMAT, **attrs.asdict(baseline)}
    content["measured_at"] = baseline.measured_at.isoformat(timespec="seconds")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlanwiseError(
            f"{folder}: cannot be made ({error.strerror or error}); name another place in "
            f"{DATA_VARIABLE}"
        ) from error
    write_text_atomically(file, json.dumps(content, indent=1) + "\n")
    return file


def find_baseline(subject: Subject, folder: Path) -> StoredBaseline | None:
    """The stored baseline of a subject, or None if none was measured.

    Args:
        subject: what it has to be right for.
        folder: of :func:`baseline_folder`.

    Raises:
        UnusableBaselineError: there is one, and it cannot be used; the mend is named.
    """
    file = folder / subject.name
    try:
        with file.open("rb") as opened:
            found = _baseline_from(json.loads(opened.read(MOST_BYTES)))  # more is no JSON then
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnusableBaselineError(
            f"{file}: this baseline cannot be read ({error.strerror or error}); {_MEND}"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as e:
        reason = " ".join(f"{type(e).__name__}: {e}".split())[:160]
        raise UnusableBaselineError(
            f"{file}: this baseline cannot be used ({reason}); {_MEND}"
        ) from e
    if found.subject != subject:
        raise UnusableBaselineError(f"{file}: this baseline is of something else; {_MEND}")
    return found


def _baseline_from(data: Any) -> StoredBaseline:
    if _count(data["format"]) != FORMAT:
        raise ValueError(f"format {data['format']!r:.20} is not {FORMAT}")
    about = data["subject"]
    measured_at = datetime.datetime.fromisoformat(_text(data["measured_at"]))
    if measured_at.tzinfo is None:
        raise ValueError("measured_at has no time zone")
    return StoredBaseline(
        subject=Subject(
            dict(about["machine"]),
            _text(about["project"]),
            _count(about["people"]),
            _count(about["scenarios"]),
        ),
        arm=_text(data["arm"]),
        measured_at=measured_at,
        years=_count(data["years"]),
        rounds=_count(data["rounds"]),
        foundation_setup_ms=_ms(data["foundation_setup_ms"]),
        year_processing_ms=_ms(data["year_processing_ms"]),
        total_simulation_ms=_ms(data["total_simulation_ms"]),
        versions={_text(k): _text(v) for k, v in data["versions"].items()},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise TypeError(f"expected a text, got {value!r:.60}")
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError(f"expected a whole number from 0 on, got {value!r:.60}")
    return value


def _ms(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value <= 0:
        raise TypeError(f"expected milliseconds above 0, got {value!r:.60}")
    return float(value)
