"""The profile by which dbt finds the database: the user's own, or one that planwise writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from planwise.errors import ProjectError
from planwise.project.spec import ProjectSpec

_UNDERSTOOD: Final = frozenset(
    {"type", "path", "schema", "database", "threads", "settings", "config_options", "keep_open"}
)


@frozen
class Target:
    """Where a profile lets dbt write.

    Attributes:
        path: the DuckDB file.
        settings: what dbt-duckdb SETs on each cursor.
        config_options: what it connects with.
        threads: how many nodes dbt may run at once; None for planwise's own pool.
        others: keys of the profile beyond these, which only dbt acts on.
        text: everything of it that can decide what is rendered, for the cache's key.
    """

    path: Path
    settings: Mapping[str, Any] = field(factory=dict)
    config_options: Mapping[str, Any] = field(factory=dict)
    threads: int | None = None
    others: tuple[str, ...] = ()
    text: str = ""


def read_profile_name(directory: Path) -> str:
    """The name of the profile that a dbt project asks for.

    Raises:
        ProjectError: there is no such project; the folder and the mend are named.
    """
    content = _read(
        directory / "dbt_project.yml",
        missing=f"{directory}: no dbt_project.yml there; give the project's folder with "
        "--dbt-project",
    )
    if not isinstance(content.get("profile"), str):
        raise ProjectError(
            f"{directory / 'dbt_project.yml'}: key 'profile': expected the name of a dbt profile"
        )
    return str(content["profile"])


def read_target(spec: ProjectSpec, environ: Mapping[str, str]) -> Target:
    """The target that dbt would take from the user's profile.

    Args:
        spec: a project with a folder of profiles.
        environ: the process's environment, which a profile may read.

    Raises:
        ProjectError: the profile or target is missing, or is not a DuckDB file.
    """
    folder = spec.profiles
    if folder is None:
        raise ProjectError(f"{spec.directory}: no folder of profiles was given")
    file = folder / "profiles.yml"
    content = _read(file, missing=f"{folder}: no profiles.yml there; see --profiles-dir")
    render = _renderer(file, environ, spec.variables)
    name = render(read_profile_name(spec.directory))
    profile = content.get(name)
    if not isinstance(profile, dict) or not isinstance(profile.get("outputs"), dict):
        raise ProjectError(f"{file}: key '{name}': expected the profile that the project asks for")
    target = spec.target or str(render(profile.get("target", "default")))
    output = profile["outputs"].get(target)
    if not isinstance(output, dict):
        known = ", ".join(sorted(map(str, profile["outputs"])))
        raise ProjectError(f"{file}: profile '{name}' has no target '{target}', but {known}")
    values = {key: _rendered(value, render) for key, value in output.items()}
    if values.get("type") != "duckdb":
        raise ProjectError(f"{file}: target '{target}': expected type duckdb")
    path = str(values.get("path", ":memory:"))
    if path == ":memory:" or ":" in path.partition("/")[0]:
        raise ProjectError(
            f"{file}: target '{target}', key path: expected a DuckDB file, got {path!r}"
        )
    return Target(
        path=Path(path).absolute(),
        settings=_mapping(values.get("settings")),
        config_options=_mapping(values.get("config_options")),
        threads=_threads(values.get("threads", 1)),
        others=tuple(sorted(key for key in values if key not in _UNDERSTOOD and values[key])),
        text=json.dumps([name, target, {**values, "path": ""}], sort_keys=True, default=str),
    )


def write_profile(file: Path, name: str, database: Path) -> None:
    """Write a profile that points dbt at the run's database; JSON is YAML that cannot be broken.

    dbt renders the values with Jinja, so braces in the path are written as what gives a brace.

    The settings of DuckDB are not here: planwise holds a connection to the same instance and
    sets them there, since a second connection with another configuration is refused by DuckDB.
    """
    path = str(database).replace("{", "{{ '{' }}")
    output = {"type": "duckdb", "path": path, "schema": "main", "threads": 1}
    profile = {name: {"target": "planwise", "outputs": {"planwise": output}}}
    file.write_text(json.dumps(profile), encoding="utf-8")


def _read(file: Path, *, missing: str) -> dict[str, Any]:
    import yaml

    try:
        content = _loaded(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(missing) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProjectError(f"{file}: cannot be read: {first}") from error
    return content if isinstance(content, dict) else {}


@lru_cache(maxsize=4)
def _loaded(text: str) -> Any:
    """A run asks for its project's profile twice; PyYAML takes 35 ms to read ours."""
    import yaml

    return yaml.safe_load(text)


def _threads(value: Any) -> int:
    """dbt's own default is one thread; what is no number is dbt's to refuse."""
    text = str(value)
    return max(1, int(text)) if text.isdigit() else 1


def _mapping(value: Any) -> dict[str, Any]:
    return {str(key): each for key, each in value.items()} if isinstance(value, dict) else {}


def _rendered(value: Any, render: Callable[[Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: _rendered(each, render) for key, each in value.items()}
    if isinstance(value, list):
        return [_rendered(each, render) for each in value]
    return render(value)


def _renderer(
    file: Path, environ: Mapping[str, str], variables: Mapping[str, Any]
) -> Callable[[Any], Any]:
    """Renders the texts of a profile with what dbt offers there: env_var and var."""

    def env_var(name: str, default: str | None = None) -> str:
        found = environ.get(name, default)
        if found is None:
            raise ProjectError(f"{file}: environment variable {name} is not set")
        return found

    def var(name: str, default: Any = None) -> Any:
        return variables.get(name, default)

    def render(value: Any) -> Any:
        if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
            return value
        import jinja2
        from jinja2.sandbox import SandboxedEnvironment

        filters = {"as_number": str, "as_bool": str, "as_native": str, "as_text": str}
        environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined)
        environment.filters.update(filters)
        try:
            return environment.from_string(value).render(env_var=env_var, var=var)
        except jinja2.TemplateError as error:
            raise ProjectError(f"{file}: {value!r} cannot be rendered: {error}") from error

    return render
