"""What a measurement was made on: machine, versions, plugins."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from planwise.errors import UsageError
from planwise.machine import machine_facts
from planwise.plugins import implemented_hooks, installed_plugins, load_plugins
from planwise.project.fingerprint import project_fingerprint
from planwise.versions import version_of

Hooks = Mapping[str, Sequence[str]]
"""Names of the hooks that each loaded plugin implements."""

_DISTRIBUTIONS: Final = ("planwise", "dbt-core", "dbt-duckdb", "duckdb", "pyarrow")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, system and load of this machine."""
    return {**machine_facts(), "load_average": round(os.getloadavg()[0], 2)}


def versions() -> dict[str, str]:
    """Versions of what does the work."""
    found = {name: version_of(name) or "not installed" for name in _DISTRIBUTIONS}
    return {"python": platform.python_version(), **found}


def distributions() -> dict[str, str]:
    """Name and version of the distribution of each installed plugin; none is loaded."""
    return {name: plugin.distribution for name, plugin in installed_plugins().items()}


def hooks() -> dict[str, list[str]]:
    """The hooks of each installed plugin. Loads the plugins: to be called after measuring."""
    installed = installed_plugins().values()
    return {
        plugin.name: sorted(implemented_hooks(plugin.instance))
        for each in installed
        for plugin in load_plugins([each])
    }


def project_checksums(directory: Path) -> dict[str, str]:
    """SHA-256 of each file of a dbt project by its path in it, as a run has them.

    Args:
        directory: its folder.

    Raises:
        UsageError: a file cannot be read.
    """
    try:
        found = project_fingerprint(
            directory.resolve(), profile="", database=Path("none"), arguments={}, environ={}
        )
    except OSError as error:
        raise UsageError(f"--dbt-project: {error.filename}: {error.strerror or error}") from error
    return dict(found.files)
