"""Which column of a file holds which field."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from planwise.census.fields import FIELD_NAMES, FIELDS, REQUIRED_FIELDS
from planwise.census.values import printable
from planwise.errors import CensusError

_MOST_HEADERS_SHOWN = 12
# A file without a header row shows its first person here: their SSN must not be printed.
_SSN_LIKE = re.compile(r"(?<!\d)\d{3}[- ]?\d{2}[- ]?\d{4}(?!\d)")


@attrs.frozen
class HeaderMatch:
    """Which column holds which field.

    Attributes:
        positions: field to the position of its column, from 0.
        headers: field to its header, made safe to print.
        ignored: headers that no field goes by, made safe to print, or described when empty.
    """

    positions: Mapping[str, int]
    headers: Mapping[str, str]
    ignored: tuple[str, ...]


def squeezed(header: str) -> str:
    """A header without case, spaces and signs, which is how headers are compared."""
    return "".join(sign for sign in header.casefold() if sign.isalnum())


_FIELD_OF = {squeezed(name): f.name for f in FIELDS for name in (f.name, *f.aliases)}


def recognised(headers: Sequence[str]) -> int:
    """How many of the headers a field goes by."""
    return sum(squeezed(header) in _FIELD_OF for header in headers)


def match_headers(path: Path, headers: Sequence[str], columns: Mapping[str, str]) -> HeaderMatch:
    """Find the column of each field.

    Args:
        path: the file, for messages.
        headers: the headers in order; empty ones are columns without a name.
        columns: field to header, as the user maps them; these win over the aliases.

    Raises:
        CensusError: an unknown field or an absent header is mapped, two headers mean one field,
            or a required field has no column.
    """
    mapped = _explicit(path, headers, columns)
    found: dict[str, list[int]] = {}
    for position, header in enumerate(headers):
        field = _FIELD_OF.get(squeezed(header))
        if field is not None and field not in mapped and position not in mapped.values():
            found.setdefault(field, []).append(position)
    for field, positions in found.items():
        if len(positions) > 1:
            names = " and ".join(f"'{safe_header(headers[p])}'" for p in positions[:3])
            raise CensusError(
                f"{path}: the columns {names} all mean {field}; remove or rename all but one, "
                f"or choose with census.columns: {{{field}: <header>}}"
            )
    positions_of = mapped | {field: positions[0] for field, positions in found.items()}
    _require(path, headers, positions_of)
    used = set(positions_of.values())
    return HeaderMatch(
        positions={name: positions_of[name] for name in FIELD_NAMES if name in positions_of},
        headers={
            name: safe_header(headers[positions_of[name]])
            for name in FIELD_NAMES
            if name in positions_of
        },
        ignored=tuple(
            safe_header(header) or f"(column {position + 1}, no header)"
            for position, header in enumerate(headers)
            if position not in used
        ),
    )


def _explicit(path: Path, headers: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    mapped: dict[str, int] = {}
    for field, wanted in columns.items():
        if field not in FIELD_NAMES:
            raise CensusError(
                f"census.columns: unknown field '{printable(field)}'"
                f"{_did_you_mean(field, FIELD_NAMES)}; the fields are {', '.join(FIELD_NAMES)}"
            )
        exact = [p for p, header in enumerate(headers) if header.strip() == wanted.strip()]
        alike = [
            p for p, h in enumerate(headers) if h.strip().casefold() == wanted.strip().casefold()
        ]
        positions = exact or alike
        if not positions:
            raise CensusError(
                f"{path}: census.columns maps {field} to '{printable(wanted)}', which is not "
                f"there{_did_you_mean(wanted, headers)}; found: {_shown(headers)}"
            )
        if len(positions) > 1:
            raise CensusError(
                f"{path}: census.columns maps {field} to '{printable(wanted)}', but "
                f"{len(positions)} columns are called that; rename all but one"
            )
        for other, position in mapped.items():
            if position == positions[0]:
                raise CensusError(
                    f"{path}: census.columns maps both {other} and {field} to "
                    f"'{printable(wanted)}'; each field needs a column of its own"
                )
        mapped[field] = positions[0]
    return mapped


def _require(path: Path, headers: Sequence[str], positions: Mapping[str, int]) -> None:
    missing = [name for name in REQUIRED_FIELDS if name not in positions]
    if not missing:
        return
    free = [header for p, header in enumerate(headers) if p not in positions.values() and header]
    hints = []
    for name in missing:
        near = difflib.get_close_matches(
            squeezed(name), [squeezed(header) for header in free], n=1, cutoff=0.6
        )
        hints += [
            f"did you mean '{safe_header(header)}' for {name}?"
            for header in free
            if near and squeezed(header) == near[0]
        ][:1]
    hint = " " + " ".join(hints) if hints else ""
    raise CensusError(
        f"{path}: no column for {', '.join(missing)}; found: {_shown(headers)}.{hint} "
        f"Rename the column or map it, for example census.columns: {{{missing[0]}: <header>}}"
    )


def _did_you_mean(word: str, among: Sequence[str]) -> str:
    by_squeezed = {squeezed(name): name for name in among if name.strip()}
    near = difflib.get_close_matches(squeezed(word), list(by_squeezed), n=1, cutoff=0.6)
    return f" (did you mean '{safe_header(by_squeezed[near[0]])}'?)" if near else ""


def safe_header(header: str) -> str:
    """A header as it may be printed: short, one line, nothing in it that looks like an SSN."""
    return printable(_SSN_LIKE.sub("***", header.strip()), 40)


def _shown(headers: Sequence[str]) -> str:
    names = [safe_header(header) or "(no header)" for header in headers[:_MOST_HEADERS_SHOWN]]
    more = len(headers) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")
