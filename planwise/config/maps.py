"""The two mappings of the configuration whose keys are names: census columns and plugins."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs
from pydantic_core import core_schema

from planwise.config.kinds import Kind, Unfit, findings, refusal
from planwise.config.text import nearest, shown, shown_key
from planwise.config.words import Flag, Label, Name, Scalar

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler

CENSUS_FIELDS = (
    "employee_id",
    "birth_date",
    "hire_date",
    "annual_compensation",
    "termination_date",
    "deferral_rate",
    "enrollment_date",
    "job_level",
    "scheduled_hours_per_week",
    "department",
    "job_title",
    "gender",
    "ssn",
    "auto_escalation_opt_out",
    "roth_rate",
)
"""The fields of a census; a test holds them against those that the census reader knows."""

HEADER = Label(256)

OptionValue = bool | int | Decimal | str


@attrs.frozen
class PluginSettings:
    """What the file says about one plugin.

    Attributes:
        enabled: the toggle, or None when the file leaves it open.
        options: the plugin's own options; whether they exist is known to the plugin only.
    """

    enabled: bool | None = None
    options: Mapping[str, OptionValue] = attrs.field(factory=dict)


def _fit(kind: Kind, value: object) -> tuple[Any, str]:
    """The value and no text, or nothing and the text of the error."""
    try:
        return kind.check(value), ""
    except Unfit as unfit:
        hint = f" ({unfit})" if str(unfit) else ""
        return None, f"expected {kind.expected}, got {shown(value)}{hint}"


@attrs.frozen
class _Map:
    """A mapping, as a pydantic annotation."""

    expected: str

    def _entries(self, value: dict[str, object]) -> Mapping[str, object]:
        raise NotImplementedError

    def validate(self, value: object) -> Mapping[str, object]:
        """The mapping in its Python types; nothing is an empty one."""
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise refusal(self.expected, value)
        return self._entries(dict(value))

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        del source, handler
        return core_schema.no_info_plain_validator_function(self.validate)


@attrs.frozen
class ColumnMap(_Map):
    """Fields of the census and the headers that hold them."""

    expected: str = "a mapping of fields to headers"

    def _entries(self, value: dict[str, object]) -> Mapping[str, object]:
        found: list[tuple[tuple[str | int, ...], str]] = []
        columns: dict[str, object] = {}
        used: dict[str, str] = {}
        for field, given in value.items():
            header, problem = _fit(HEADER, given)
            if field not in CENSUS_FIELDS:
                near = nearest(field, CENSUS_FIELDS)
                hint = f"; did you mean {near}?" if near else f" ({', '.join(CENSUS_FIELDS)})"
                found.append(((field,), f"expected a field of the census, got this key{hint}"))
            elif problem:
                found.append(((field,), problem))
            elif (other := used.setdefault(header.casefold(), field)) != field:
                text = f"expected a header of its own, got {shown(header)} as for {other}"
                found.append(((field,), text))
            columns[field] = header
        if found:
            raise findings(found)
        return columns


@attrs.frozen
class PluginTable(_Map):
    """Options by plugin."""

    expected: str = "a mapping of plugins to their options"

    def _entries(self, value: dict[str, object]) -> Mapping[str, object]:
        found: list[tuple[tuple[str | int, ...], str]] = []
        plugins: dict[str, object] = {}
        for plugin, options in value.items():
            _, problem = _fit(Name(), plugin)
            if problem:
                found.append(((plugin,), problem.replace("a name", "the name of a plugin", 1)))
            elif isinstance(options, PluginSettings):
                plugins[plugin] = options
            elif options is not None and not isinstance(options, dict):
                hint = " (to switch a plugin off: enabled: false)" if options is False else ""
                text = f"expected a mapping of options to values, got {shown(options)}{hint}"
                found.append(((plugin,), text))
            else:
                plugins[plugin] = self._settings(plugin, options or {}, found)
        if found:
            raise findings(found)
        return plugins

    def _settings(
        self,
        plugin: str,
        options: dict[str, object],
        found: list[tuple[tuple[str | int, ...], str]],
    ) -> PluginSettings:
        values: dict[str, Any] = {}
        for option, given in options.items():
            values[option], problem = _fit(Flag() if option == "enabled" else Scalar(), given)
            if _fit(Name(), option)[1]:
                problem = f"expected {Name().expected}, got {shown_key(option)}"
            if problem:
                found.append(((plugin, option), problem))
        enabled = values.pop("enabled", None)
        return PluginSettings(enabled, values)
