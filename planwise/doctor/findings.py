"""What was found of one plugin."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from planwise.plugins import InstalledPlugin


@define
class Findings:
    """What was found of one plugin.

    Attributes:
        plugin: which one.
        enabled: whether a run with this configuration would load it.
        hooks: those that it implements, once it could be loaded.
        api: the version that it was built for; None if it does not say.
        import_s: CPU seconds that importing it took, or None.
        problems: why a run would fail, or give less than the plugin promises; a line each.
        hints: what is no failure; likewise.
    """

    plugin: InstalledPlugin
    enabled: bool
    hooks: list[str] = field(factory=list)
    api: str | None = None
    import_s: float | None = None
    problems: list[str] = field(factory=list)
    hints: list[str] = field(factory=list)

    @property
    def whose(self) -> str:
        """Plugin and distribution, as an error of a run has it."""
        return f"plugin '{self.plugin.name}' (from {self.plugin.distribution})"

    def problem(self, text: str, hook: str | None = None) -> None:
        """Note a problem, once."""
        line = _line(self.whose, text, hook)
        if line not in self.problems:
            self.problems.append(line)

    def hint(self, text: str, hook: str | None = None) -> None:
        """Note a hint, once."""
        line = _line(self.whose, text, hook)
        if line not in self.hints:
            self.hints.append(line)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "name": self.plugin.name,
            "distribution": self.plugin.distribution,
            "enabled": self.enabled,
            "hooks": self.hooks,
            "api": self.api,
            "import_s": self.import_s,
            "problems": self.problems,
            "hints": self.hints,
        }


def _line(whose: str, text: str, hook: str | None) -> str:
    flat = " ".join(text.split())
    if flat.startswith("plugin '"):  # an error that names it
        return flat
    return f"{whose}, hook '{hook}': {flat}" if hook else f"{whose}: {flat}"
