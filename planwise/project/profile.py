"""The profile by which dbt finds the run's database."""

from __future__ import annotations

import json
from pathlib import Path

from planwise.errors import ProjectError


def read_profile_name(directory: Path) -> str:
    """The name of the profile that a dbt project asks for.

    Raises:
        ProjectError: there is no such project; the folder and the mend are named.
    """
    file = directory / "dbt_project.yml"
    import yaml

    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ProjectError(
            f"{directory}: no dbt_project.yml there; give the project's folder with --dbt-project"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ProjectError(f"{file}: cannot be read: {first}") from error
    if not isinstance(content, dict) or not isinstance(content.get("profile"), str):
        raise ProjectError(f"{file}: key 'profile': expected the name of a dbt profile")
    return str(content["profile"])


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
