"""A dbt project that planwise steps through the years.

What dbt would say of it is kept between runs (``render_cache.py``); dbt is started when something
is asked for that is not known yet, or when a node has to be run by dbt itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from planwise.errors import ProjectError
from planwise.interruption import wait_for
from planwise.project.dbt_worker import (
    QUIET_ENVIRONMENT,
    DbtPaths,
    DbtWorker,
)
from planwise.project.fingerprint import project_fingerprint
from planwise.project.graph import ProjectGraph, graph_from_manifest
from planwise.project.node_results import NodeWatch, checked_results
from planwise.project.parse_time import year_dependent_parts
from planwise.project.profile import read_profile_name, write_profile
from planwise.project.render_cache import RenderCache, StoredStep
from planwise.project.rendering import Renderer, forget_compilation
from planwise.rendered import CompiledNode
from planwise.values import BatchRequest, BatchResult, SettingValue

STEP_VARIABLE: Final = "simulation_year"
_StepKey = tuple[int, bool]
"""A year, and whether incremental models start anew in it."""


@define
class _Parse:
    """What dbt made of the project for a year, or for all years."""

    manifest: Any
    graph: ProjectGraph
    renderer: Renderer | None = None


@define
class _Step:
    """The rendering of a step: under way, or done."""

    nodes: dict[str, Future[CompiledNode]] = field(factory=dict)


class DbtProject:
    """The kernel's port to dbt. Use as a context manager; one at a time in a process.

    Args:
        directory: the folder of ``dbt_project.yml``.
        work: a folder for profile, parse cache and logs; made if it is missing.
        database: the DuckDB file that dbt writes to.
        partial_parse: whether dbt may reuse its parse cache on disk.
        step_variable: the var that holds the year.
        variables: further vars, the same in each year.
        cache: where graphs and rendered nodes are kept between runs; None keeps none.

    Attributes:
        parsed_anew_because: what the year decides when the project is parsed.
        uncached_because: why nothing is kept between runs; empty if it is, or if nobody asked.

    Raises:
        ProjectError: the folder holds no readable ``dbt_project.yml``.
    """

    def __init__(
        self,
        directory: Path,
        work: Path,
        database: Path,
        *,
        partial_parse: bool = True,
        step_variable: str = STEP_VARIABLE,
        variables: Mapping[str, SettingValue] | None = None,
        cache: Path | None = None,
    ) -> None:
        self.directory = directory.resolve()
        self._profile = read_profile_name(self.directory)
        self._work = work
        self._database = database
        self._partial_parse = partial_parse
        self._step_variable = step_variable
        self._variables = dict(variables or {})
        self._cache_folder = cache
        self._cache: RenderCache | None = None
        self._worker: DbtWorker | None = None
        self._parses: dict[int | None, _Parse] = {}
        self._stored: dict[_StepKey, StoredStep | None] = {}
        self._steps: dict[_StepKey, _Step] = {}
        self.parsed_anew_because: tuple[str, ...] = ()
        self.uncached_because = ""

    @contextmanager
    def session(self) -> Iterator[DbtProject]:
        """Make ready for dbt, and stop it at the end if it was started."""
        profiles = self._work / "profiles"
        profiles.mkdir(parents=True, exist_ok=True)
        profile = profiles / "profiles.yml"
        write_profile(profile, self._profile, self._database)
        self._paths = DbtPaths(self.directory, profiles, self._work / "target", self._work / "logs")
        self._open_cache()
        try:
            yield self
        finally:
            if self._worker is not None:
                self._worker.__exit__()
                self._worker = None

    def graph(self, year: int) -> ProjectGraph:
        """The graph of a year, as it was stored or as dbt parses it.

        Args:
            year: the simulation year.

        Raises:
            ProjectError: dbt cannot parse the project.
        """
        for first in (True, False):
            stored = self._load((year, first))
            if stored is not None:
                self._parsed_anew(stored.parsed_anew_because)
                return stored.graph
        return self._parse(year).graph

    def prepare(
        self, year: int, *, full_refresh: bool, existing: Mapping[tuple[str, str, str], str]
    ) -> None:
        """Start to render the nodes of a step, in a thread of its own; returns at once.

        Args:
            year: the simulation year.
            full_refresh: whether it is the first step, which the foundation belongs to.
            existing: what is in the database before the step, by (database, schema, identifier)
                in lower case: ``table`` or ``view``.
        """
        key = (year, full_refresh)
        if key in self._steps:
            return
        step = self._steps[key] = _Step()
        graph = self.graph(year)
        wanted = {**graph.foundation, **graph.year} if full_refresh else dict(graph.year)
        stored = self._load(key)
        known = {} if stored is None else stored.compiled
        for node in wanted:
            step.nodes[node] = Future()
            if wanted.keys() <= known.keys():
                step.nodes[node].set_result(known[node])
        if not wanted.keys() <= known.keys():
            parse = self._parse(year)
            self._started().submit(lambda: self._render(parse, step, key, existing))

    def compiled(self, unique_id: str, year: int, *, full_refresh: bool) -> CompiledNode:
        """A node as dbt renders it for a step that was prepared; waits for it.

        Raises:
            ProjectError: the rendering broke down.
        """
        node: CompiledNode = wait_for(
            self._steps[year, full_refresh].nodes[unique_id], lambda: None
        )
        return node

    def execute(self, request: BatchRequest) -> BatchResult:
        """Let dbt run a batch.

        Raises:
            ProjectError: a node fails, with dbt's message, or dbt did not run each of them.
        """
        parse = self._parse(int(request.variables[self._step_variable]))
        selectors = parse.graph.selectors
        gone = [node.name for node in request.nodes if node.unique_id not in selectors]
        if gone:
            raise ProjectError(f"{gone[0]} is no node of the project as it was parsed last")
        reset_compile_state(parse.manifest)
        watch = NodeWatch()
        result = self._started().build(
            parse.manifest,
            [selectors[node.unique_id] for node in request.nodes],
            {**self._variables, **request.variables},
            threads=max(1, min(request.pool_size, len(request.nodes))),
            full_refresh=request.full_refresh,
            on_event=watch.on_event,
        )
        return BatchResult(checked_results(result, request, watch))

    def _open_cache(self) -> None:
        if self._cache_folder is None:
            return
        try:
            found = project_fingerprint(
                self.directory,
                profile=self._profile,
                database=self._database,
                arguments={"step": self._step_variable, "vars": self._variables},
                environ=os.environ,
                own_variables=QUIET_ENVIRONMENT,
            )
        except OSError as error:
            raise ProjectError(
                f"{error.filename or self.directory}: cannot be read ({error.strerror})"
            ) from error
        self.uncached_because = found.uncacheable
        if not found.uncacheable:
            self._cache = RenderCache(self._cache_folder, found.key)

    def _load(self, key: _StepKey) -> StoredStep | None:
        if self._cache is None:
            return None
        if key not in self._stored:
            self._stored[key] = self._cache.load(_step_name(key))
        return self._stored[key]

    def _started(self) -> DbtWorker:
        """dbt's thread; the first call starts it."""
        if self._worker is None:
            worker = DbtWorker(self._paths, partial_parse=self._partial_parse)
            worker.__enter__()
            self._worker = worker
        return self._worker

    def _parse(self, year: int) -> _Parse:
        """What dbt makes of the project for a year; one parse serves all unless a year decides."""
        known = self._parses.get(None if not self.parsed_anew_because else year)
        if known is not None:
            return known
        manifest = self._started().parse({**self._variables, self._step_variable: year})
        parts = year_dependent_parts(manifest, self.directory, self._step_variable)
        self._parsed_anew(parts)
        parse = _Parse(manifest, graph_from_manifest(manifest))
        if not self.parsed_anew_because:
            self._parses[None] = parse
        else:
            # Two at the most: the year that runs and the one that is rendered ahead of it.
            self._parses.pop(None, None)
            for old in sorted(each for each in self._parses if each is not None)[:-1]:
                del self._parses[old]
        self._parses[year] = parse
        return parse

    def _parsed_anew(self, parts: tuple[str, ...] | list[str]) -> None:
        # What was found in one year stays found, whatever another year's parse shows.
        self.parsed_anew_because = tuple(sorted({*self.parsed_anew_because, *parts}))

    def _render(
        self,
        parse: _Parse,
        step: _Step,
        key: _StepKey,
        existing: Mapping[tuple[str, str, str], str],
    ) -> None:
        """Render every node of a step, in dbt's thread, and store them."""
        try:
            if parse.renderer is None:
                parse.renderer = Renderer(parse.manifest)
            year, first = key
            variables = {**self._variables, self._step_variable: year}
            for node, catalog in _with_catalogs(parse.graph, existing, parse.renderer, first=first):
                compiled = parse.renderer.render(
                    node, variables, full_refresh=first, catalog=catalog
                )
                step.nodes[node].set_result(compiled)
        except BaseException as error:  # noqa: BLE001  # whoever waits for a node raises it
            failure = ProjectError(f"rendering ahead broke down: {type(error).__name__}: {error}")
            for future in step.nodes.values():
                if not future.done():
                    future.set_exception(failure)
            return
        self._store(key, parse, {each: f.result() for each, f in step.nodes.items()})

    def _store(self, key: _StepKey, parse: _Parse, nodes: Mapping[str, CompiledNode]) -> None:
        if self._cache is not None and parse.renderer is not None:
            content = StoredStep(
                parse.graph, nodes, self.parsed_anew_because, parse.renderer.target
            )
            self._cache.store(_step_name(key), content)


def _step_name(key: _StepKey) -> str:
    return f"{key[0]}-first" if key[1] else str(key[0])


def _with_catalogs(
    graph: ProjectGraph,
    existing: Mapping[tuple[str, str, str], str],
    renderer: Renderer,
    *,
    first: bool,
) -> Iterator[tuple[str, Mapping[tuple[str, str, str], str]]]:
    """Each node of a step in an order that its dependencies allow, with what exists before it.

    After the first step everything exists. In the first, what a node neither depends on nor finds
    in the database is expected to be missing; where the run proves that wrong, the text is not
    used.
    """
    nodes = {**graph.foundation, **graph.year} if first else dict(graph.year)
    everything = {**graph.foundation, **graph.year}
    made = {
        key: ((renderer.target[0].lower(), node.relation[0].lower(), node.relation[1].lower()),
              "view" if node.materialized == "view" else "table")
        for key, node in everything.items()
    }  # fmt: skip
    before = {key: set(nodes[key].depends_on) & set(nodes) for key in sorted(nodes)}
    ancestors: dict[str, set[str]] = {}
    for key in TopologicalSorter(before).static_order():
        ancestors[key] = set(before[key]).union(*(ancestors[each] for each in before[key]))
        present = ancestors[key] | (set(graph.foundation) if key in graph.year else set())
        there = made.values() if not first else [made[each] for each in sorted(present)]
        yield key, {**existing, **dict(there)}


def reset_compile_state(manifest: Any) -> None:
    """Forget what an earlier invocation compiled in any node."""
    for node in manifest.nodes.values():
        forget_compilation(node)
