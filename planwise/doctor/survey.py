"""All plugins and the configuration together: names, extras, providers, and each plugin by itself.

Nothing of a plugin is imported in this process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from attrs import define, field

from planwise import hookspecs
from planwise.api_version import API_VERSION, DECLARATION
from planwise.config import Config, load_config
from planwise.doctor.examining import examine
from planwise.doctor.findings import Findings
from planwise.errors import ConfigError, UsageError
from planwise.plugins import (
    InstalledPlugin,
    name_problem,
    offered_plugins,
    unknown_plugin_message,
)


@define
class Survey:
    """Looks at everything.

    Args:
        path: the configuration, or None for defaults.
        limit_s: how long a call of a plugin may take.
        only: the names of the plugins that are looked at; empty for all.

    Attributes:
        problems: what is wrong with no plugin alone: the configuration, two plugins together.
    """

    path: Path | None
    limit_s: float
    only: tuple[str, ...] = ()
    problems: list[str] = field(factory=list)

    def plugins(self) -> Iterator[Findings]:
        """What is found of each plugin, in name order, as it is found.

        Raises:
            UsageError: nobody offers a plugin that was named.
        """
        config = self._config()
        # A distribution may be found twice, such as once for each way to its folder.
        known = {
            (each.name, each.distribution, each.entry_point): each for each in offered_plugins()
        }
        offered = sorted(known.values(), key=lambda each: (each.name, each.distribution))
        names = {each.name for each in offered}
        for name in self.only:
            if name not in names:
                raise UsageError(unknown_plugin_message(name, names))
        for name in sorted(config.plugins):
            if name not in names:
                where = config.source(f"plugins.{name}")
                self.problems.append(f"{where}: {unknown_plugin_message(name, names)}")
        seen: list[Findings] = []
        for plugin in offered:
            if self.only and plugin.name not in self.only:
                continue
            found = Findings(plugin, _enabled(plugin, config))
            self._check_names(found, offered)
            self._look_into(found, config)
            seen.append(found)
            yield found
        self._check_providers([each for each in seen if each.enabled])

    def _config(self) -> Config:
        try:
            return load_config(self.path)
        except ConfigError as error:
            self.problems += error.problems
        return load_config(None)

    def _check_names(self, found: Findings, offered: list[InstalledPlugin]) -> None:
        if error := name_problem(found.plugin):
            found.problem(str(error))
        for other in offered:
            plugin = found.plugin
            if other.name == plugin.name and other.entry_point != plugin.entry_point:
                found.problem(
                    f"the name is offered by {other.distribution} too, and nothing runs until one "
                    "of them is uninstalled"
                )

    def _look_into(self, found: Findings, config: Config) -> None:
        if missing := _missing_extras(found.plugin):
            text = f"its extra is not installed: pip install {' '.join(missing)}"
            if found.enabled:
                found.problem(text)
            else:
                found.hint(f"off, and not looked into: {text}")
            return
        given = config.plugins.get(found.plugin.name)
        examine(found, dict(given.options) if given else {}, self.limit_s)
        if found.import_s is not None and found.api is None:
            found.hint(
                f"does not say which API it was built for; add {DECLARATION} = '{API_VERSION}' to "
                "it, so that a planwise that does not fit says so"
            )

    def _check_providers(self, enabled: list[Findings]) -> None:
        first: dict[str, Findings] = {}
        for found in enabled:
            for hook in found.hooks:
                if hookspecs.KINDS.get(hook) != "choose":
                    continue
                other = first.setdefault(hook, found)
                if other is not found:
                    self.problems.append(
                        f"{found.whose}, hook '{hook}': {other.whose} provides this hook too, and "
                        f"only one may; use --no-{other.plugin.name} or --no-{found.plugin.name}"
                    )


def _enabled(plugin: InstalledPlugin, config: Config) -> bool:
    given = config.plugins.get(plugin.name)
    if given is not None and given.enabled is not None:
        return given.enabled
    return not plugin.on_request


def _missing_extras(plugin: InstalledPlugin) -> list[str]:
    """What to install for the extras that the entry point names; empty if all is there."""
    from packaging.requirements import Requirement

    distribution = plugin.entry_point.dist
    if distribution is None:
        return []
    missing = []
    for extra in plugin.entry_point.extras:
        for text in distribution.requires or []:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or not re.search(r"\bextra\b", str(marker)):
                continue
            if marker.evaluate({"extra": extra}) and not _is_installed(requirement.name):
                missing.append(f"'{distribution.name}[{extra}]'")
                break
    return missing


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
