"""How far a run is, outside of its database: a small file that is synced after each year.

A log of DuckDB's that is cut or deleted can open cleanly with committed years missing; a database
that lags behind this file is known by it. It also says what the run was made from.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field, frozen

from planwise.errors import CheckpointError
from planwise.run_files import MANIFEST_NAME, write_text_atomically
from planwise.runs.identity import VERSIONS, Identity

_FORMAT: Final = 1
_MOST_BYTES: Final = 16 * 1024 * 1024


@frozen
class RunManifest:
    """A run.

    Attributes:
        run_id: what the run is known by in the ledger.
        identity: what it is made from.
        years: the simulation years that were asked for.
        finished: the digests of the finished years, by year, in order.
    """

    run_id: str
    identity: Identity = field(repr=False)
    years: tuple[int, ...]
    finished: Mapping[int, Mapping[str, str]] = field(factory=dict)


def new_manifest(identity: Identity, years: Sequence[int]) -> RunManifest:
    """The manifest of a run that begins."""
    return RunManifest(uuid.uuid4().hex, identity, tuple(years))


def read_manifest(folder: Path) -> RunManifest | None:
    """The manifest in a folder; None if there is none.

    Raises:
        CheckpointError: it is damaged, or another version's.
    """
    file = folder / MANIFEST_NAME
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror})") from error
    try:
        content = json.loads(text)
        checksum = content.pop("sha256")
        whole = len(text) <= _MOST_BYTES and checksum == _checksum(content)
        if whole and content["format"] == _FORMAT:
            return RunManifest(
                run_id=str(content["run_id"]),
                identity=content["identity"],
                years=tuple(map(int, content["years"])),
                finished={int(year): digests for year, digests in content["finished"].items()},
            )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        whole = False
    why = "another planwise's" if whole else "damaged"
    raise CheckpointError(
        f"{file}: {why}; the run cannot be resumed: simulate again without --resume"
    )


def write_manifest(folder: Path, manifest: RunManifest) -> None:
    """Write a manifest, whole or not at all, synced.

    Raises:
        WarehouseError: the folder cannot be written.
    """
    content: dict[str, Any] = {
        "format": _FORMAT,
        "run_id": manifest.run_id,
        "years": list(manifest.years),
        "finished": {str(year): dict(each) for year, each in manifest.finished.items()},
        "identity": manifest.identity,
    }
    # A line for each key, for people; to indent all of it would take json 20 times as long.
    lines = (f'"{key}": {json.dumps(value)}' for key, value in content.items())
    text = ",\n".join((*lines, f'"sha256": "{_checksum(content)}"'))
    write_text_atomically(folder / MANIFEST_NAME, f"{{\n{text}\n}}")


@define
class Progress:
    """Keeps the manifest of a run true.

    Attributes:
        folder: where it is.
        manifest: as it was written last.
    """

    folder: Path
    manifest: RunManifest

    @property
    def origin(self) -> Mapping[str, str]:
        """What the run is made from, in short, for its checkpoints."""
        identity = self.manifest.identity
        versions = {name: str(value) for name, value in identity.get(VERSIONS, {}).items()}
        canonical = json.dumps(identity, sort_keys=True).encode()
        return {
            **versions,
            "run": self.manifest.run_id,
            "identity": hashlib.sha256(canonical).hexdigest(),
        }

    def begin(self) -> None:
        """Write down the run as it is."""
        write_manifest(self.folder, self.manifest)

    def year_finished(self, year: int, digests: Mapping[str, str]) -> None:
        """Write down that a year is in the database.

        Raises:
            WarehouseError: the folder cannot be written; the manifest stays as it was.
        """
        now = evolve(self.manifest, finished={**self.manifest.finished, year: dict(digests)})
        write_manifest(self.folder, now)
        self.manifest = now


def _checksum(content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
