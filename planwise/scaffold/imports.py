"""The import statements of generated code: what its text uses, no more and no less."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from planwise import api

WIDTH: Final = 100
"""Columns of generated code, as its ``pyproject.toml`` says."""

_FROM: Final[Mapping[str, str]] = {
    **dict.fromkeys(api.__all__, "planwise.api"),
    "Any": "typing",
    "Callable": "collections.abc",
    "CycleError": "graphlib",
    "Final": "typing",
    "Mapping": "collections.abc",
    "Path": "pathlib",
    "Sequence": "collections.abc",
    "TopologicalSorter": "graphlib",
}
_WHOLE: Final[Mapping[str, str]] = {
    "contracts": "from planwise.testing import contracts",
    "duckdb": "import duckdb",
    "pa": "import pyarrow as pa",
    "pytest": "import pytest",
    "struct": "import struct",
    "zlib": "import zlib",
}

KNOWN: Final = frozenset({*_FROM, *_WHOLE})
"""Names that generated code may use without a thought for where they come from."""


def with_imports(body: str, own: Mapping[str, str]) -> str:
    """Code with its imports before it.

    Args:
        body: the code, without imports of what it uses in more than one place.
        own: modules of the generated package, by the names that are imported from them.
    """
    used = _used_names(body)
    froms: dict[str, set[str]] = {}
    for name, module in {**_FROM, **own}.items():
        if name in used:
            froms.setdefault(module, set()).add(name)
    whole = [line for name, line in _WHOLE.items() if name in used]
    lines: dict[int, list[str]] = {0: [], 1: [], 2: []}
    # As isort has it: the standard library, then others, then the package's own; in each of them
    # `import x` before `from x import y`.
    for line in sorted(whole, key=lambda line: (line.startswith("from"), line)):
        lines[_group(line.split()[1], own.values())].append(line)
    for module in sorted(froms):
        lines[_group(module, own.values())].append(import_line(module, froms[module]))
    groups = [["from __future__ import annotations"], *lines.values()]
    space = "\n\n\n" if body.startswith(("class ", "def ")) else "\n\n"
    return "\n\n".join("\n".join(group) for group in groups if group) + space + body


def import_line(module: str, names: Iterable[str]) -> str:
    """A ``from`` import, on one line if it fits: constants, classes, then functions."""
    ordered = sorted(names, key=lambda name: (_rank(name), name))
    line = f"from {module} import {', '.join(ordered)}"
    if len(line) <= WIDTH:
        return line
    listed = "".join(f"    {name},\n" for name in ordered)
    return f"from {module} import (\n{listed})"


def _used_names(body: str) -> frozenset[str]:
    """Every name that is used and that no function imports for itself."""
    tree = ast.parse(body)
    later = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)) - later


def _group(module: str, own: Iterable[str]) -> int:
    root = module.partition(".")[0]
    if module in own:
        return 2
    return 0 if root in sys.stdlib_module_names else 1


def _rank(name: str) -> int:
    if name.isupper() and len(name) > 1:
        return 0
    return 1 if name[0].isupper() else 2
