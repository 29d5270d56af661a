"""The manifest of a checkpoint: what is stored of a year, under a checksum of its own.

It is JSON whose last key is the SHA-256 of every byte before it. A manifest may be damaged as any
file may, and its numbers decide how much memory decoding takes: it is not even parsed before its
checksum holds, and nothing of it is believed before the type of each value has been checked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

import attrs
from attrs import field, frozen

from planwise.answers import UNCOMPRESSED
from planwise.checkpoints.files import read_at_most
from planwise.errors import CheckpointError

FORMAT_VERSION: Final = 2
MOST_BYTES: Final = 2 * 1024 * 1024
"""Of a manifest: some 500 tables of 100 columns. Parsed, the worst takes less than 64 MiB."""
MOST_TABLES: Final = 10_000
_MOST_KEPT_BYTES: Final = 64 * 1024
FILE_NAME: Final = "manifest.json"

Kind = Literal["whole", "delta", "added"]
_T = TypeVar("_T")
_FILE: Final = re.compile(r"[0-9]{1,6}\.state\Z", re.ASCII)
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)
_SEAL: Final = re.compile(rb'"sha256": "([0-9a-f]{64})"\n\}\n\Z')
_SEAL_BYTES: Final = len('"sha256": ""\n}\n') + 64
_VERSION: Final = re.compile(rb'\s*\{\s*"format_version":\s*([0-9]{1,9})\b')


@frozen
class Part:
    """One Arrow table as stored; the parts of a table follow one another in its file.

    Attributes:
        name: what it is to its table: ``rows``, or the name of a piece of a difference.
        rows: rows of the Arrow table in it.
        codec, plugin: what it was written with.
        raw_bytes: size as Arrow buffers.
        stored_bytes, sha256: of the stored bytes.
    """

    name: str
    rows: int
    codec: str
    plugin: str
    raw_bytes: int
    stored_bytes: int
    sha256: str


@frozen
class TableEntry:
    """One table of a checkpoint.

    Attributes:
        schema, identifier: the relation.
        file: its file, in the checkpoint's folder.
        kind: ``whole``; ``added``, whose rows follow those of the parent's table; ``delta``, a
            difference to the parent's table.
        rows: rows of the whole table, the parent's counted.
        raw_bytes: size as Arrow buffers of what was handed over for the year.
        digest: of what was handed over; the caller's own.
        columns: name, Arrow's type and DuckDB's type of each.
        parts: what is in its file, in this order.
    """

    schema: str
    identifier: str
    file: str
    kind: Kind
    rows: int
    raw_bytes: int
    digest: str
    columns: tuple[tuple[str, str, str], ...]
    parts: tuple[Part, ...]

    @property
    def relation(self) -> tuple[str, str]:
        """Schema and identifier."""
        return self.schema, self.identifier

    @property
    def name(self) -> str:
        """``schema.identifier``."""
        return f"{self.schema}.{self.identifier}"

    @property
    def types(self) -> tuple[str, ...]:
        """DuckDB's types."""
        return tuple(column[2] for column in self.columns)

    @property
    def stored_bytes(self) -> int:
        """Size of its file."""
        return sum(part.stored_bytes for part in self.parts)


@frozen
class Parent:
    """The checkpoint that another one builds on: its year, and its manifest's own SHA-256."""

    year: int
    sha256: str


@frozen
class Manifest:
    """What a checkpoint's manifest says.

    Attributes:
        year: the simulation year.
        written: when, in UTC, as ISO 8601 has it.
        parent: what it builds on; None of one that stands alone.
        origin: what wrote it, in the caller's own words.
        tables: what is stored.
        sha256: the manifest's own.
    """

    year: int
    written: str
    parent: Parent | None
    origin: Mapping[str, str]
    tables: tuple[TableEntry, ...]
    sha256: str = field(default="", eq=False)

    def table(self, relation: tuple[str, str]) -> TableEntry | None:
        """The entry of a relation, if it has one."""
        return next((each for each in self.tables if each.relation == relation), None)

    @property
    def codec(self) -> str:
        """The format of the largest table: a codec may store small ones in another way."""
        largest = max(self.tables, key=lambda each: each.raw_bytes, default=None)
        return largest.parts[0].codec if largest else UNCOMPRESSED


def seal(content: Mapping[str, Any], tables: Sequence[Any]) -> bytes:
    """JSON with a checksum at its end.

    Args:
        content: what comes before the tables.
        tables: one JSON-ready value a table; each gets a line, for people.
    """
    head = json.dumps(dict(content), indent=1)[:-2].rstrip()
    lines = ",\n".join(json.dumps(each) for each in tables)
    body = f'{head},\n "tables": [\n{lines}\n],\n'.encode()
    return body + f'"sha256": "{hashlib.sha256(body).hexdigest()}"\n}}\n'.encode()


def manifest_bytes(manifest: Manifest) -> bytes:
    """A manifest as the bytes of its file; its attribute ``sha256`` is reckoned anew."""
    parent = None if manifest.parent is None else attrs.asdict(manifest.parent)
    content = {
        "format_version": FORMAT_VERSION,
        "year": manifest.year,
        "written": manifest.written,
        "parent": parent,
        "origin": dict(manifest.origin),
    }
    return seal(content, [attrs.asdict(each) for each in manifest.tables])


def sealed_sha256(text: bytes) -> str | None:
    """The checksum at the end of a manifest, if it holds."""
    seal_of = _SEAL.match(text[-_SEAL_BYTES:])
    if seal_of is None:
        return None
    sha256 = seal_of[1].decode()
    return sha256 if hashlib.sha256(text[:-_SEAL_BYTES]).hexdigest() == sha256 else None


def read_manifest(file: Path, year: int) -> Manifest:
    """A manifest, checked.

    Args:
        file: the manifest.
        year: the year that it has to be of.

    Raises:
        CheckpointError: there is none, or it is damaged, of another year or another version.
    """
    try:
        text = read_at_most(file, MOST_BYTES, "any manifest")
    except FileNotFoundError:
        raise CheckpointError(f"{file.parent}: no checkpoint there") from None
    version = _VERSION.match(text)
    sha256 = sealed_sha256(text)
    if version is not None and int(version[1]) != FORMAT_VERSION:
        doubt = "" if sha256 is not None else ", or damaged"
        raise CheckpointError(
            f"{file}: of format version {int(version[1])}{doubt}; this planwise reads "
            f"{FORMAT_VERSION}: use the planwise that wrote it, or remove the checkpoint"
        )
    if sha256 is None:
        raise CheckpointError(f"{file}: damaged: its SHA-256 is not the one it holds")
    try:
        manifest = _read(text, sha256) if len(text) <= _MOST_KEPT_BYTES else _parsed(text, sha256)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: not a checkpoint's manifest: {error}") from error
    if manifest.year != year:
        raise CheckpointError(f"{file}: is of the year {manifest.year}, not of {year}")
    return manifest


def _parsed(text: bytes, sha256: str) -> Manifest:
    """The manifest that a text is.

    Raises:
        ValueError: it is none.
    """
    given = _object(json.loads(text), "the manifest")
    _value(given, "format_version", _is_version)
    parent = given.get("parent")
    origin = _object(given.get("origin"), "origin")
    if not all(isinstance(text, str) for text in origin.values()):
        raise ValueError("origin: expected texts")
    tables = tuple(_entry(each) for each in _list(given, "tables", MOST_TABLES))
    if len({each.relation for each in tables}) != len(tables):
        raise ValueError("tables: one is there twice")
    manifest = Manifest(
        year=_value(given, "year", _is_year),
        written=_value(given, "written", _is_text),
        parent=None if parent is None else _parent(parent),
        origin=cast("dict[str, str]", origin),
        tables=tables,
        sha256=sha256,
    )
    if parent is None and any(each.kind != "whole" for each in tables):
        raise ValueError("parent: there is none, and a table needs one")
    # Parents that are always earlier make no circle.
    if manifest.parent is not None and manifest.parent.year >= manifest.year:
        raise ValueError("parent: expected an earlier year")
    return manifest


_read = lru_cache(maxsize=32)(_parsed)
"""The manifests of a chain are read with each year: as long as the bytes are the same, so is what
they say."""


def _parent(value: object) -> Parent:
    given = _object(value, "parent")
    return Parent(_value(given, "year", _is_year), _value(given, "sha256", _is_sha256))


def _entry(value: object) -> TableEntry:
    given = _object(value, "tables")
    kind = _value(given, "kind", _is_kind)
    parts = tuple(_part(each) for each in _list(given, "parts", MOST_BYTES))
    names = [part.name for part in parts]
    if len(set(names)) != len(names) or not names or (kind != "delta" and names != ["rows"]):
        raise ValueError(f"parts: a table of kind {kind} cannot have these: {names[:9]}")
    return TableEntry(
        schema=_value(given, "schema", _is_text),
        identifier=_value(given, "identifier", _is_text),
        file=_value(given, "file", _is_file),
        kind=kind,
        rows=_value(given, "rows", _is_size),
        raw_bytes=_value(given, "raw_bytes", _is_size),
        digest=_value(given, "digest", _is_text),
        columns=tuple(_column(each) for each in _list(given, "columns", MOST_BYTES)),
        parts=parts,
    )


def _part(value: object) -> Part:
    given = _object(value, "parts")
    return Part(
        name=_value(given, "name", _is_text),
        rows=_value(given, "rows", _is_size),
        codec=_value(given, "codec", _is_text),
        plugin=_value(given, "plugin", _is_text),
        raw_bytes=_value(given, "raw_bytes", _is_size),
        stored_bytes=_value(given, "stored_bytes", _is_size),
        sha256=_value(given, "sha256", _is_sha256),
    )


def _column(value: object) -> tuple[str, str, str]:
    if isinstance(value, list) and len(value) == 3 and all(_is_text(each) for each in value):
        return value[0], value[1], value[2]
    raise ValueError("columns: expected three texts for each")


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: expected an object")  # noqa: TRY004  # one error for the caller
    return value


def _list(given: Mapping[str, object], key: str, most: int) -> list[object]:
    value = given.get(key)
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{key}: expected a list of {most} at the most")
    return value


def _value(given: Mapping[str, object], key: str, holds: Callable[[Any], bool]) -> Any:
    value = given.get(key)
    if not holds(value):
        shown = repr(value) if isinstance(value, int | str) else type(value).__name__
        raise ValueError(f"{key}: of the wrong type, or out of range: {shown[:80]}")
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_size(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 62


def _is_year(value: object) -> bool:
    return type(value) is int and 0 <= value <= 9999


def _is_version(value: object) -> bool:
    return type(value) is int and value == FORMAT_VERSION


def _is_kind(value: object) -> bool:
    return value in ("whole", "delta", "added") and isinstance(value, str)


def _is_file(value: object) -> bool:
    return isinstance(value, str) and bool(_FILE.match(value))


def _is_sha256(value: object) -> bool:
    return isinstance(value, str) and bool(_SHA256.match(value))
