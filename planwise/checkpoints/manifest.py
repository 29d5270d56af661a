"""The manifest of a checkpoint: what is stored of a year, with a checksum of its own.

A manifest may be damaged as any file may, and its numbers decide how much memory decoding takes:
nothing of it is believed before its checksum and the type of each value have been checked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from planwise.errors import CheckpointError

FORMAT_VERSION: Final = 1
_MAX_BYTES: Final = 1024 * 1024
_FILE: Final = re.compile(r"[0-9]{1,6}\.state\Z")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_TEXTS: Final = ("name", "file", "codec", "plugin", "sha256")
_SIZES: Final = ("rows", "raw_bytes", "stored_bytes")


def manifest_bytes(year: int, entries: Sequence[dict[str, Any]]) -> bytes:
    """The manifest of a year as bytes.

    Args:
        year: the simulation year.
        entries: one per table.
    """
    content = {"format_version": FORMAT_VERSION, "year": year, "tables": list(entries)}
    return json.dumps({**content, "sha256": _checksum(content)}, indent=1).encode()


def read_manifest(file: Path, year: int) -> list[dict[str, Any]]:
    """The entries of a manifest, checked.

    Args:
        file: the manifest.
        year: the year that it has to be of.

    Raises:
        CheckpointError: there is none, or it is damaged, of another year or another version.
    """
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise CheckpointError(f"{file}: larger than any manifest")
        manifest = json.loads(text)
    except FileNotFoundError:
        raise CheckpointError(f"{file.parent}: no checkpoint there") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: not a checkpoint's manifest: {error}") from error
    if not isinstance(manifest, dict) or type(manifest.get("format_version")) is not int:
        raise CheckpointError(f"{file}: not a checkpoint's manifest")
    version = manifest["format_version"]
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"{file}: format version {version}, this planwise reads {FORMAT_VERSION}"
        )
    checksum = manifest.pop("sha256", None)
    if checksum != _checksum(manifest):
        raise CheckpointError(f"{file}: damaged: its SHA-256 is not the one it holds")
    entries = manifest.get("tables")
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise CheckpointError(f"{file}: not a checkpoint's manifest: values of the wrong type")
    if manifest.get("year") != year:
        raise CheckpointError(f"{file}: is of the year {manifest.get('year')!r}, not of {year}")
    return entries


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(key), str) for key in _TEXTS)
        and all(type(entry.get(key)) is int and 0 <= entry[key] < 1 << 62 for key in _SIZES)
        and isinstance(entry.get("columns"), list)
        and bool(_FILE.match(entry["file"]))
        and bool(_SHA256.match(entry["sha256"]))
    )


def _checksum(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
