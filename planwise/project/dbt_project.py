"""A dbt project that planwise steps through the years: parsed once, executed batch by batch."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from planwise.errors import ProjectError
from planwise.measure import Sample, take_sample
from planwise.project.dbt_worker import DbtPaths, DbtWorker
from planwise.project.graph import EXECUTED, ProjectGraph, graph_from_manifest
from planwise.project.parse_time import year_dependent_parts
from planwise.values import BatchRequest, BatchResult, ModelResult

STEP_VARIABLE: Final = "simulation_year"
_SUCCESS: Final = frozenset({"success", "pass"})


class DbtProject:
    """The kernel's port to dbt. Use as a context manager; one at a time in a process.

    Args:
        directory: the folder of ``dbt_project.yml``.
        work: a folder for profile, parse cache and logs; made if it is missing.
        database: the DuckDB file that dbt writes to.
        partial_parse: whether dbt may reuse its parse cache on disk.

    Raises:
        ProjectError: the folder holds no readable ``dbt_project.yml``.
    """

    def __init__(
        self, directory: Path, work: Path, database: Path, *, partial_parse: bool = True
    ) -> None:
        self.directory = directory.resolve()
        self._profile = read_profile_name(self.directory)
        self._work = work
        self._database = database
        self._partial_parse = partial_parse
        self._manifest: Any = None
        self._parsed_for: int | None = None
        self._graph: ProjectGraph | None = None
        self.parsed_anew_because: tuple[str, ...] = ()

    @contextmanager
    def session(self) -> Iterator[DbtProject]:
        """Start dbt's thread, and stop it at the end."""
        profiles = self._work / "profiles"
        profiles.mkdir(parents=True, exist_ok=True)
        write_profile(profiles / "profiles.yml", self._profile, self._database)
        paths = DbtPaths(self.directory, profiles, self._work / "target", self._work / "logs")
        with DbtWorker(paths, partial_parse=self._partial_parse) as worker:
            self._worker = worker
            yield self

    def graph(self, year: int) -> ProjectGraph:
        """The graph of a year; the first call parses, later ones only where the year decides it.

        Args:
            year: the simulation year.

        Raises:
            ProjectError: dbt cannot parse the project.
        """
        stale = self._parsed_for != year and bool(self.parsed_anew_because)
        if self._graph is None or stale:
            self._manifest = self._worker.parse({STEP_VARIABLE: year})
            self._parsed_for = year
            self._graph = graph_from_manifest(self._manifest)
            parts = year_dependent_parts(self._manifest, self.directory, STEP_VARIABLE)
            # What was found in one year stays found, whatever another year's parse shows.
            self.parsed_anew_because = tuple(sorted({*self.parsed_anew_because, *parts}))
        return self._graph

    def execute(self, request: BatchRequest) -> BatchResult:
        """Let dbt run a batch.

        Raises:
            ProjectError: a node fails, with dbt's message, or dbt did not run each of them.
        """
        if self._graph is None:
            raise ProjectError("the project has to be parsed before a batch can run")
        selectors = self._graph.selectors
        gone = [node.name for node in request.nodes if node.unique_id not in selectors]
        if gone:
            raise ProjectError(f"{gone[0]} is no node of the project as it was parsed last")
        reset_compile_state(self._manifest)
        watch = _NodeWatch()
        result = self._worker.build(
            self._manifest,
            [selectors[node.unique_id] for node in request.nodes],
            request.variables,
            threads=max(1, min(request.pool_size, len(request.nodes))),
            full_refresh=request.full_refresh,
            on_event=watch.on_event,
        )
        return BatchResult(_checked_results(result, request, watch))


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


def reset_compile_state(manifest: Any) -> None:
    """Forget what an earlier invocation compiled.

    Nodes of a reused manifest keep it, and an ephemeral model then injects the text of the year
    before, or none at all.
    """
    for node in manifest.nodes.values():
        if getattr(node, "compiled", False):
            node.compiled = False
            node.compiled_code = None
            node.extra_ctes_injected = False
            node.extra_ctes = []
            node._pre_injected_sql = None  # noqa: SLF001  # part of the state dbt leaves behind


class _NodeWatch:
    """Takes a sample when dbt starts and ends a node; called on dbt's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started: dict[str, Sample] = {}
        self.spans: dict[str, tuple[Sample, Sample]] = {}

    def on_event(self, event: Any) -> None:
        name = event.info.name
        if name not in ("NodeStart", "NodeFinished"):
            return
        key = event.data.node_info.unique_id
        sample = take_sample()
        with self._lock:
            if name == "NodeStart":
                self._started[key] = sample
            elif key in self._started:
                self.spans[key] = (self._started[key], sample)


def _checked_results(result: Any, request: BatchRequest, watch: _NodeWatch) -> list[ModelResult]:
    """One result per node; dbt reports success for a selection of nothing, so they are counted."""
    if isinstance(result.exception, KeyboardInterrupt):
        raise result.exception
    where = "the foundation" if request.year is None else f"year {request.year}"
    runs = {} if result.result is None else {r.node.unique_id: r for r in result.result.results}
    failed = [run for run in runs.values() if str(run.status) not in _SUCCESS]
    causes = [run for run in failed if str(run.status) != "skipped"] or failed
    if causes:
        first = causes[0]
        more = f" ({len(failed) - 1} more not run)" if len(failed) > 1 else ""
        message = " ".join(str(first.message or first.status).split())
        raise ProjectError(f"{first.node.name} failed in {where}: {message}{more}")
    if result.exception is not None:
        raise ProjectError(f"dbt failed in {where}: {' '.join(str(result.exception).split())}")
    missing = [node.name for node in request.nodes if node.unique_id not in runs]
    # Run hooks have results too, and are no nodes of the batch.
    ran = sum(str(run.node.resource_type) in EXECUTED for run in runs.values())
    if missing or ran != len(request.nodes):
        raise ProjectError(
            f"dbt ran {ran} of {len(request.nodes)} nodes in {where}"
            + (f"; not run: {', '.join(missing[:5])}" if missing else "")
        )
    return [_model_result(node.unique_id, runs[node.unique_id], watch) for node in request.nodes]


def _model_result(key: str, run: Any, watch: _NodeWatch) -> ModelResult:
    span = watch.spans.get(key)
    if span is None:
        return ModelResult(key, wall_s=float(run.execution_time))
    start, end = span
    return ModelResult(
        key,
        wall_s=end.wall_s - start.wall_s,
        cpu_s=end.cpu_s - start.cpu_s,
        peak_rss_bytes=end.peak_rss_bytes,
        bytes_read=end.bytes_read - start.bytes_read,
        bytes_written=end.bytes_written - start.bytes_written,
    )
