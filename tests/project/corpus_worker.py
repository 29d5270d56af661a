"""Plain dbt for the corpus: jobs of several commands, each command in a process of its own.

Run as a script, it reads the names of jobs' files from its input, and answers with a line when one
is done. Like ``plain_dbt`` it imports dbt once and forks for each command. Before that it fills the
caches that dbt has for its own tests (the syntax trees of dbt's own macros) and for JSON schemas:
both hold what depends on dbt alone, and spare each command half of its time. No project is parsed
here and no database opened: DuckDB's threads would not survive the fork.
"""

from __future__ import annotations

import gc
import inspect
import json
import resource
import shutil
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from plain_dbt import run

SCHEMAS = (
    ("dbt.adapters.duckdb.credentials", "DuckDBCredentials"),
    ("dbt.artifacts.resources.v1.components", "Contract"),
    ("dbt.artifacts.resources.v1.model", "ModelConfig"),
    ("dbt.artifacts.resources.v1.seed", "SeedConfig"),
    ("dbt.artifacts.resources.v1.snapshot", "SnapshotConfig"),
    ("dbt.artifacts.resources.v1.source_definition", "SourceConfig"),
    ("dbt.contracts.graph.nodes", "ModelNode"),
    ("dbt.contracts.graph.nodes", "SeedNode"),
    ("dbt.contracts.graph.nodes", "SnapshotNode"),
    ("dbt.contracts.graph.unparsed", "UnparsedModelUpdate"),
    ("dbt.contracts.graph.unparsed", "UnparsedSourceDefinition"),
    ("dbt.contracts.project", "Configuration"),
    ("dbt.contracts.project", "PackageConfig"),
    ("dbt.contracts.project", "ProfileConfig"),
    ("dbt.contracts.project", "Project"),
    ("dbt.contracts.project", "ProjectFlags"),
    ("dbt.contracts.selection", "SelectorFile"),
)


def warm() -> None:
    """Import what dbt imports late, and fill the caches."""
    import dbt.adapters.duckdb
    import dbt.cli.main
    import dbt.include.duckdb
    import dbt.include.global_project
    import dbt.task.build
    from dbt.clients.jinja_static import statically_extract_macro_calls
    from dbt_common.clients import jinja
    from dbt_common.exceptions import DbtRuntimeError
    from dbt_common.tests import enable_test_caching

    enable_test_caching()
    kinds = {"macro", "materialization", "test", "data_test"}
    for package in (dbt.include.global_project, dbt.include.duckdb):
        for path in sorted(Path(package.__file__).parent.rglob("*.sql")):
            text = path.read_text(encoding="utf-8")
            for block in jinja.extract_toplevel_blocks(text, kinds, collect_raw_data=False):
                try:
                    jinja.parse(block.full_block)
                    statically_extract_macro_calls(block.full_block, {})
                except (DbtRuntimeError, AttributeError, KeyError):
                    continue  # it wants a context; the syntax tree is in the cache all the same
    for module, name in SCHEMAS:
        getattr(import_module(module), name).json_schema()
    inspect.stack()  # dbt asks where it was called from; Python then looks at every module once
    gc.disable()
    gc.freeze()


def copied(database: Path, folder: Path) -> None:
    """Copy a database of DuckDB, with what it has not written into its file yet."""
    folder.mkdir(parents=True)
    for path in (database, database.with_name(database.name + ".wal")):
        if path.exists():
            shutil.copy2(path, folder / path.name)


def run_job(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run a job's commands until one fails; keeps the database after those that say so."""
    log = Path(job["log"])
    codes: list[int] = []
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for step in job["steps"]:
        codes.append(run(step["arguments"], log, job["environment"]))
        if codes[-1]:
            break
        if step["keep"] is not None:
            copied(Path(job["database"]), Path(step["keep"]))
    answer = {"key": job["key"], "folder": str(log.parent), "codes": codes}
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return {**answer, "cpu_s": used}


def main() -> None:
    """Serve until the input ends."""
    warm()
    for line in sys.stdin:
        job = json.loads(Path(line.rstrip("\n")).read_text(encoding="utf-8"))
        print(json.dumps(run_job(job)), flush=True)


if __name__ == "__main__":
    main()
