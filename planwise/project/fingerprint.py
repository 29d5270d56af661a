"""The key of everything that a rendering depends on, apart from what it asks while it runs.

Content of files, not their times: a key that is equal means texts that are equal. What the key
cannot cover makes the project one that is never cached, with the reason.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from planwise import __version__

CACHE_FORMAT: Final = 2
"""Raised when what is stored, or how it is made, changes its meaning."""
_READ_BY_DBT: Final = frozenset({".sql", ".yml", ".yaml", ".csv", ".py", ".md"})
_NOT_READ: Final = frozenset({"target", "logs", ".git", ".venv", "__pycache__", "node_modules"})
_LIBRARIES: Final = ("dbt-core", "dbt-adapters", "dbt-common", "dbt-duckdb", "duckdb", "jinja2")
_ENV_VAR: Final = re.compile(r"env_var\s*\(\s*(?:'([^']+)'|\"([^\"]+)\")")
_ENV_CALL: Final = re.compile(r"\benv_var\s*\(")
_ENV_ALONE: Final = re.compile(r"\benv_var\b(?!\s*\()")
_JINJA: Final = re.compile(r"\{[{%].*?[}%]\}", re.DOTALL)
_WHOLE_TARGET: Final = re.compile(
    r"\btarget\b(?!\s*\.\s*(?:name|schema|type|database|profile_name|threads)\b)"
)
"""A template that may read where the database is, and not only what it is called."""


@frozen
class Fingerprint:
    """What identifies a project, its surroundings and the arguments of a run, less the year.

    Attributes:
        key: hexadecimal SHA-256.
        uncacheable: why nothing rendered from it may be kept; empty if it may.
        files: SHA-256 of each file of the project, by its path from the project's folder.
        variables: SHA-256 of the environment variables that it reads, by name; of their values
            nothing else is told, since some are secrets.
    """

    key: str
    uncacheable: str = ""
    files: Mapping[str, str] = field(factory=dict)
    variables: Mapping[str, str] = field(factory=dict)


def project_fingerprint(
    directory: Path,
    *,
    profile: str,
    database: Path,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
    own_variables: Iterable[str] = (),
) -> Fingerprint:
    """Read the project and everything beside it that decides what dbt renders.

    Args:
        directory: the folder of ``dbt_project.yml``.
        profile: the text of the profile in force.
        database: the database file: its name is part of the texts, its folder only where a template
            reads it.
        arguments: what else is handed to dbt, as JSON-ready data: variables, target, and so on.
        environ: the process's environment.
        own_variables: variables that planwise sets for dbt, which are the same in each run.

    Raises:
        OSError: a file of the project cannot be read.
    """
    digest = hashlib.sha256()
    names: set[str] = set()
    hidden = ""
    plain = (str(directory), database.name, profile, json.dumps(arguments, sort_keys=True))
    for part in (*_versions(), *plain):
        _add(digest, part.encode())
    reads_path = False
    hidden = _note_variables("the profile", profile, names)
    files: dict[str, str] = {}
    for file in project_files(directory):
        content = file.read_bytes()
        path = os.path.relpath(file, directory)
        checksum = _sha256(content)
        files[os.fsencode(path).decode("utf-8", "backslashreplace")] = checksum
        _add(digest, os.fsencode(path))
        _add(digest, checksum.encode())
        if b"env_var" in content or b"target" in content:
            text = content.decode("utf-8", "replace")
            hidden = hidden or _note_variables(path, text, names)
            reads_path = reads_path or any(map(_WHOLE_TARGET.search, _JINJA.findall(text)))
    if reads_path:
        _add(digest, os.fsencode(database))
    names |= {name for name in environ if name.startswith("DBT_")} - set(own_variables)
    variables: dict[str, str] = {}
    for name in sorted(names):
        value = environ.get(name)
        variables[name] = _sha256(b"unset" if value is None else b"=" + os.fsencode(value))
        _add(digest, name.encode())
        _add(digest, variables[name].encode())
    return Fingerprint(digest.hexdigest(), hidden, files, variables)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _add(digest: Any, part: bytes) -> None:
    """Length first, so that no two lists of parts look alike."""
    digest.update(len(part).to_bytes(8, "big") + part)


def _versions() -> Iterator[str]:
    yield f"planwise {__version__} cache {CACHE_FORMAT} python {platform.python_version()}"
    for name in _LIBRARIES:
        try:
            yield f"{name} {importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{name} is not installed"


def _note_variables(where: str, text: str, names: set[str]) -> str:
    """Add the environment variables that a text names; gives where one is named by computation."""
    found = [single or double for single, double in _ENV_VAR.findall(text)]
    names.update(found)
    computed = len(_ENV_CALL.findall(text)) > len(found)
    # Outside of templates the word is only a word, in a comment say.
    if computed or any(map(_ENV_ALONE.search, _JINJA.findall(text))):
        return f"{where} uses env_var in a way that hides which variable is read"
    return ""


def project_files(directory: Path) -> list[Path]:
    """Every file that dbt may read for a project, packages included, in a fixed order.

    Links are followed, since ``dbt deps`` links local packages; folders that ``dbt_project.yml``
    names outside the project are read too.
    """
    found: dict[str, Path] = {}
    seen: set[str] = set()
    stack = [directory]
    while stack:
        root = stack.pop()
        for folder, folders, files in os.walk(root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = [n for n in folders if n not in _NOT_READ and not n.endswith(".planwise")]
            for name in files:
                file = Path(folder, name)
                if file.suffix.lower() in _READ_BY_DBT and file.is_file():
                    found[str(file)] = file
            if "dbt_project.yml" in files:
                stack += _outside(Path(folder))
    return [found[name] for name in sorted(found)]


def _outside(project: Path) -> list[Path]:
    """Folders that a ``dbt_project.yml`` reads from and that are not below it."""
    text = (project / "dbt_project.yml").read_text(encoding="utf-8", errors="replace")
    if ".." not in text and not re.search(r"[\s'\"\[]/", text):
        return []
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return []  # dbt says what is wrong with it
    lists = [v for k, v in content.items() if str(k).endswith("-paths") and isinstance(v, list)]
    folders = [(project / str(path)).resolve() for paths in lists for path in paths]
    return [f for f in folders if f.is_dir() and not f.is_relative_to(project.resolve())]
