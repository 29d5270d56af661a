"""The files of the page that are no Python: template, style, scripts, and vendored libraries."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from attrs import frozen


@frozen
class Vendored:
    """A library of somebody else's that travels with planwise, unchanged.

    Attributes:
        name: as the npm registry has it.
        version: its version there.
        file: the distribution file, in ``vendor``.
        sha256: of that file.
        licence: the file with its licence, which goes wherever the library goes.
    """

    name: str
    version: str
    file: str
    sha256: str
    licence: str


VENDORED: Final = (
    Vendored(
        "d3",
        "7.9.0",
        "d3.min.js",
        "f2094bbf6141b359722c4fe454eb6c4b0f0e42cc10cc7af921fc158fceb86539",
        "d3.LICENSE",
    ),
    Vendored(
        "@observablehq/plot",
        "0.6.17",
        "plot.umd.min.js",
        "4358086467740777dd788d6b27a95cebdbaefdd50c730a3060117073bd7134cb",
        "plot.LICENSE",
    ),
)
"""In the order in which a page loads them. Why these: docs/architecture.md, "Dependencies"."""
_SCRIPTS: Final = ("tools.js", "analyst.js", "engineer.js", "bench.js", "page.js")
_PACKAGE: Final = files(__package__)


def asset(*path: str) -> str:
    """The text of a file of this folder."""
    return _PACKAGE.joinpath(*path).read_text(encoding="utf-8")


def scripts() -> list[str]:
    """Every script of the page, in order; a library is preceded by its licence."""
    libraries = [
        f"/*\n{each.name} {each.version}\n\n{asset('vendor', each.licence)}*/\n"
        f"{asset('vendor', each.file)}"
        for each in VENDORED
    ]
    return [*libraries, "\n".join(asset(name) for name in _SCRIPTS)]
