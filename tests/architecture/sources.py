"""The project's own source files, for tests that read them."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = (ROOT / "planwise", ROOT / "plugins" / "planwise_plugins")


def source_files(*folders: Path) -> list[Path]:
    """Every Python file below the folders, or of the kernel and the built-in plugins."""
    found = [file for folder in folders or CODE for file in sorted(folder.rglob("*.py"))]
    assert found
    return found


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"), str(file))
