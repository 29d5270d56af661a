"""Every file of a new plugin's package, as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from planwise.scaffold.imports import KNOWN, WIDTH
from planwise.scaffold.modules import Modules
from planwise.scaffold.names import Names, environment_prefix, names_of
from planwise.scaffold.parts import OPTIONS, Part, hooks_of

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES: Final = Path(__file__).parent / "templates"


def names_for(plugin: str) -> Names:
    """The names of a plugin whose package is to be made; see ``names_of`` for errors."""
    return names_of(plugin, taken=KNOWN)


def package_files(names: Names, parts: Sequence[Part]) -> dict[str, str]:
    """Every file of the package.

    Args:
        names: from :func:`names_for`.
        parts: what the plugin has, in the order of ``PARTS``.

    Returns:
        The text of each file by its path in the package's folder, with ``/`` between its parts.
    """
    environment = _environment()
    modules = Modules(environment, names, parts)
    flags = flags_of(parts)
    values = {
        "names": names,
        "hooks": hooks_of(parts),
        "parts": parts,
        "part_names": [part.name for part in parts],
        "options": OPTIONS in parts,
        "environment": environment_prefix(names),
        "rivals": [part.instead_of for part in parts if part.instead_of],
        "flags": flags,
        "measured": measured_flags(names, parts),
        "width": WIDTH,
    }

    def rendered(template: str) -> str:
        return environment.get_template(f"{template}.jinja").render(values).strip("\n") + "\n"

    return {
        "pyproject.toml": rendered("pyproject.toml"),
        "README.md": rendered("README.md"),
        "LICENSE": (_TEMPLATES / "LICENSE").read_text(encoding="utf-8"),
        ".gitignore": rendered("gitignore"),
        ".github/workflows/ci.yml": rendered("ci.yml"),
        f"src/{names.module}/__init__.py": modules.plugin(),
        f"src/{names.module}/py.typed": "",
        "tests/test_contract.py": modules.contract(),
        "tests/test_behaviour.py": modules.behaviour(),
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # what is made is Python, TOML and Markdown
    )


def flags_of(parts: Iterable[Part]) -> str:
    """What ``planwise simulate`` has to be told for the plugin to run: whom it stands in for."""
    return " ".join(f"--no-{part.instead_of}" for part in parts if part.instead_of)


def measured_flags(names: Names, parts: Iterable[Part]) -> tuple[str, str]:
    """The flags of ``planwise bench ab`` that say what the plugin is worth: with it, without it."""
    with_it = flags_of(parts)
    return with_it, f"{with_it} --no-{names.plugin}".strip()
