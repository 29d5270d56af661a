"""``planwise.yaml``: how a dbt project that planwise did not write is stepped through the years."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from planwise.config.text import nearest, shown
from planwise.config.yaml_safe import YamlDocument, problem_texts, read_yaml
from planwise.errors import ConfigError
from planwise.project.spec import STEP_VARIABLE, ProjectSpec
from planwise.stages import Refresh, Stage

FILE_NAME: Final = "planwise.yaml"
_KEYS: Final = ("step_variable", "variables", "profiles_dir", "target", "foundation", "year")
_STEP_KEYS: Final = ("select", "sql", "full_refresh", "first_year_only")
_REFRESH: Final[tuple[Refresh, ...]] = ("first", "always", "never")


def read_project_file(directory: Path) -> ProjectSpec:
    """What the file in a project's folder says; without one, what holds for every project.

    Args:
        directory: the folder of ``dbt_project.yml``.

    Raises:
        ConfigError: everything that is wrong with the file, with line, key and expectation.
    """
    file = directory / FILE_NAME
    if not file.exists():
        return ProjectSpec(directory)
    reader = _Reader(read_yaml(file), directory)
    spec = reader.spec()
    if reader.problems:
        raise ConfigError(problem_texts(file, iter(reader.problems)))
    return spec


def read_variables(file: Path) -> dict[str, Any]:
    """dbt's vars from a YAML file: names and values.

    Raises:
        ConfigError: the file cannot be read, or is no mapping.
    """
    document = read_yaml(file)
    if document.problems:
        raise ConfigError(problem_texts(file, iter(document.problems)))
    return dict(document.root)


class _Reader:
    """Reads one document and gathers what is wrong with it."""

    def __init__(self, document: YamlDocument, directory: Path) -> None:
        self._root = document.root
        self._lines = document.lines
        self._directory = directory
        self.problems: list[tuple[int, str]] = list(document.problems)

    def spec(self) -> ProjectSpec:
        self._refuse_unknown((), self._root, _KEYS)
        profiles = self._text("profiles_dir")
        variables = self._root.get("variables") or {}
        if not isinstance(variables, dict):
            self._problem(("variables",), "expected names and values", variables)
            variables = {}
        return ProjectSpec(
            directory=self._directory,
            step_variable=self._text("step_variable") or STEP_VARIABLE,
            variables=variables,
            profiles=None if profiles is None else self._directory / profiles,
            target=self._text("target"),
            foundation=self._stages("foundation"),
            year=self._stages("year"),
        )

    def _text(self, key: str) -> str | None:
        value = self._root.get(key)
        if value is None or (isinstance(value, str) and value):
            return value
        self._problem((key,), "expected text", value)
        return None

    def _stages(self, key: str) -> tuple[Stage, ...] | None:
        value = self._root.get(key)
        if value is None:
            return None
        if not isinstance(value, list):
            self._problem((key,), "expected a list of steps", value)
            return None
        return tuple(self._stage((key, number), each) for number, each in enumerate(value))

    def _stage(self, path: tuple[str | int, ...], value: Any) -> Stage:
        if not isinstance(value, dict):
            self._problem(path, "expected a step: 'select: tag:year', or 'sql: FILE'", value)
            return Stage()
        self._refuse_unknown(path, value, _STEP_KEYS)
        select, sql = value.get("select"), value.get("sql")
        if (select is None) == (sql is None):
            self._problem(path, "expected either 'select' or 'sql'", value)
        chosen = [select] if isinstance(select, str) else select or []
        if not isinstance(chosen, list) or not all(isinstance(e, str) and e for e in chosen):
            self._problem((*path, "select"), "expected dbt's selectors", select)
            chosen = []
        refresh = value.get("full_refresh", "first")
        if refresh not in _REFRESH:
            self._problem((*path, "full_refresh"), "expected first, always or never", refresh)
            refresh = "first"
        once = value.get("first_year_only", False)
        if not isinstance(once, bool):
            self._problem((*path, "first_year_only"), "expected true or false", once)
        return Stage(
            select=tuple(chosen),
            sql=self._sql((*path, "sql"), sql),
            full_refresh=refresh,
            first_year_only=bool(once),
        )

    def _sql(self, path: tuple[str | int, ...], value: Any) -> Path | None:
        if value is None:
            return None
        if not isinstance(value, str) or not (self._directory / value).is_file():
            self._problem(path, "expected a file of SQL, relative to the project", value)
            return None
        return self._directory / value

    def _refuse_unknown(
        self, path: tuple[str | int, ...], value: dict[str, Any], known: tuple[str, ...]
    ) -> None:
        for key in value:
            if key not in known:
                close = nearest(str(key), known)
                hint = f"; did you mean '{close}'?" if close else f"; known: {', '.join(known)}"
                self._problem((*path, key), f"is not a key{hint}", None)

    def _problem(self, path: tuple[str | int, ...], text: str, value: Any) -> None:
        where = ".".join(str(step) for step in path)
        got = "" if value is None else f", got {shown(value)}"
        place = path
        while place and place not in self._lines:
            place = place[:-1]
        self.problems.append((self._lines.get(place, 1), f"key {where}: {text}{got}"))
