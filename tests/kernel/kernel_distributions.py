"""Real distributions on disk: a module and a dist-info folder, as an installer leaves them."""

from __future__ import annotations

import importlib.metadata
import itertools
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from planwise.plugins import GROUP, InstalledPlugin, LoadedPlugin, installed_plugins, load_plugins

PRELUDE = "from planwise.api import *\nfrom planwise.api import hookimpl\n"
_NUMBERS = itertools.count()


def module_name() -> str:
    """A module name that no other test uses: an imported module stays in the process."""
    return f"fake_plugin_{next(_NUMBERS)}"


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def add(
        self,
        name: str,
        source: str = "",
        *,
        target: str | None = "Plugin",
        distribution: str | None = None,
        version: str = "1.2",
        module: str | None = None,
    ) -> str:
        """Install a distribution with one plugin; gives the module's name.

        Args:
            name: the entry point's name.
            source: the module's code, after an import of the whole API.
            target: the object in the module, or None for the module itself.
            distribution, version, module: made up if they are not given.
        """
        module = module or module_name()
        distribution = distribution or module.replace("_", "-")
        file = self.folder / f"{module}.py"
        file.write_text(PRELUDE + textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", encoding="utf-8"
        )
        point = module if target is None else f"{module}:{target}"
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {point}\n", encoding="utf-8")
        return module

    def points(self) -> list[importlib.metadata.EntryPoint]:
        """The entry points of what is installed here and nothing else."""
        found = importlib.metadata.distributions(path=[str(self.folder)])
        return [point for each in found for point in each.entry_points if point.group == GROUP]

    def installed(self) -> dict[str, InstalledPlugin]:
        return installed_plugins(self.points())

    def loaded(self, *names: str) -> list[LoadedPlugin]:
        """Load the plugins of these names, or all."""
        installed = self.installed()
        return load_plugins(installed[name] for name in names or installed)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """The folder on ``sys.path``."""
    import sys

    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(folder))
