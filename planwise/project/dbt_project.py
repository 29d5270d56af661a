"""A dbt project that planwise steps through the years.

What dbt would say of it is kept between runs (``render_cache.py``); dbt is started when something
is asked for that is not known yet, or when a node has to be run by dbt itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, evolve

from planwise.errors import ProjectError
from planwise.interruption import wait_for
from planwise.project.dbt_worker import QUIET_ENVIRONMENT, DbtPaths, DbtWorker
from planwise.project.fingerprint import Fingerprint, project_fingerprint
from planwise.project.graph import ProjectGraph, graph_from_manifest, has_foreign_keys
from planwise.project.node_results import NodeWatch, checked_results, passed_tests
from planwise.project.obstacles import leaves_transaction
from planwise.project.prediction import catalogs, wanted_nodes
from planwise.project.profile import read_profile_name, read_target, write_profile
from planwise.project.render_cache import RenderCache, StoredStep, node_name, step_name
from planwise.project.rendering import Renderer, moved, show_as_temporary
from planwise.project.spec import ProjectSpec
from planwise.rendered import CompiledNode
from planwise.stages import Stage
from planwise.values import BatchRequest, BatchResult

_YearKey = tuple[int, bool]
"""A year, and whether it is the first, which the foundation belongs to."""
_NodeKey = tuple[str, bool]
"""A node, and whether incremental models start anew when it runs."""


@define
class _Parse:
    """What dbt made of the project for a year, or for all years."""

    manifest: Any
    graph: ProjectGraph
    renderer: Renderer | None = None


class DbtProject:
    """The kernel's port to dbt. Use as a context manager; one at a time in a process.

    Args:
        spec: the project, or the folder of its ``dbt_project.yml``.
        work: a folder for profile, parse cache and logs; made if it is missing.
        database: the DuckDB file that dbt writes to; with a profile of the user's own, its path.
        partial_parse: whether dbt may reuse its parse cache on disk.
        cache: where graphs and rendered nodes are kept between runs; None keeps none.
        tests: whether dbt's tests will be asked for; parsing them takes longer.

    Attributes:
        directory: the folder of ``dbt_project.yml``.
        parsed_anew_because: what the year decides when the project is parsed.
        uncached_because: why nothing is kept between runs; empty if it is, or if nobody asked.
        fingerprint: what the project is, as it was when the session began.

    Raises:
        ProjectError: the folder holds no readable ``dbt_project.yml``, or the profile is missing.
    """

    def __init__(
        self,
        spec: ProjectSpec | Path,
        work: Path,
        database: Path,
        *,
        partial_parse: bool = True,
        cache: Path | None = None,
        tests: bool = False,
    ) -> None:
        self._spec = spec if isinstance(spec, ProjectSpec) else ProjectSpec(spec)
        self.directory = self._spec.directory.resolve()
        self._profile = read_profile_name(self.directory)
        own = self._spec.profiles is not None
        self._target = read_target(self._spec, os.environ) if own else None
        self._work = work
        self._database = database
        self._partial_parse = partial_parse
        self._tests = tests
        self._cache_folder = cache
        self._cache: RenderCache | None = None
        self._worker: DbtWorker | None = None
        self._parses: dict[int | None, _Parse] = {}
        self._stored: dict[_YearKey, StoredStep | None] = {}
        self._rendered: dict[int, dict[_NodeKey, Future[CompiledNode]]] = {}
        self.parsed_anew_because: tuple[str, ...] = ()
        self.uncached_because = ""
        self.fingerprint = Fingerprint("")

    @contextmanager
    def session(self) -> Iterator[DbtProject]:
        """Make ready for dbt, and stop it at the end if it was started."""
        profiles = self._spec.profiles
        if profiles is None:
            profiles = self._work / "profiles"
            profiles.mkdir(parents=True, exist_ok=True)
            write_profile(profiles / "profiles.yml", self._profile, self._database)
        self._work.mkdir(parents=True, exist_ok=True)
        self._paths = DbtPaths(
            project=self.directory,
            profiles=profiles.resolve(),
            # A parse without tests is no help to one with them.
            target=self._work / ("target-tests" if self._tests else "target"),
            logs=self._work / "logs",
            target_name=self._spec.target,
        )
        self.fingerprint = self._fingerprint()
        self.uncached_because = self.fingerprint.uncacheable if self._cache_folder else ""
        if self._cache_folder is not None and not self.uncached_because:
            self._cache = RenderCache(self._cache_folder, self.fingerprint.key)
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

    def graph_of_finished(self, year: int) -> ProjectGraph:
        """The same of a year that is not run: kept by itself, since nothing of it is rendered."""
        graph = self.graph(year)
        if self._cache and not (self._load((year, True)) or self._load((year, False))):
            content = StoredStep(graph, {}, self.parsed_anew_because)
            self._cache.store(step_name(year, first=False), content)
        return graph

    def prepare(
        self, year: int, *, first: bool, existing: Mapping[tuple[str, str, str], str]
    ) -> None:
        """Start to render the nodes of a year, in dbt's thread; returns at once.

        Args:
            year: the simulation year.
            first: whether it is the first, which the foundation belongs to.
            existing: what is in the database before, by (database, schema, identifier) in lower
                case: ``table`` or ``view``.
        """
        if year in self._rendered:
            return
        self._forget_before(year - 1)
        graph = self.graph(year)
        wanted = wanted_nodes(graph, first=first)
        stored = self._load((year, first))
        known = {} if stored is None else stored.compiled
        futures: dict[_NodeKey, Future[CompiledNode]] = {key: Future() for key in wanted}
        self._rendered[year] = futures
        if all(node_name(*key) in known for key in wanted):
            for key, future in futures.items():
                future.set_result(known[node_name(*key)])
            return
        parse = self._parse(year)
        self._started().submit(lambda: self._render(parse, year, existing, futures, first=first))

    def compiled(self, unique_id: str, year: int, *, full_refresh: bool) -> CompiledNode:
        """A node as dbt renders it for a year that was prepared; waits for it.

        Raises:
            ProjectError: the rendering broke down.
        """
        future = self._rendered[year][unique_id, full_refresh]
        return wait_for(future, lambda: None)

    def leaves_transaction(self, request: BatchRequest) -> str:
        """Why dbt cannot run a batch in a transaction with others; empty as far as is known."""
        parse = self._parse(int(request.variables[self._spec.step_variable]))
        nodes = [node.unique_id for node in request.nodes if node.unique_id in parse.manifest.nodes]
        others = () if self._target is None else self._target.others
        return leaves_transaction(parse.manifest, nodes, others)

    def execute(self, request: BatchRequest, cursor: Any = None) -> BatchResult:
        """Let dbt run a batch.

        Args:
            request: the batch.
            cursor: DuckDB's, in an open transaction, which dbt runs in, one node after the other;
                None: dbt opens the database itself, and commits each node.

        Raises:
            LeavesTransactionError: dbt cannot run them in a transaction.
            ProjectError: a node fails, with dbt's message, or dbt did not run each of them.
        """
        year = int(request.variables[self._spec.step_variable])
        parse = self._parse(year)
        selectors = parse.graph.selectors
        gone = [node.name for node in request.nodes if node.unique_id not in selectors]
        if gone:
            raise ProjectError(f"{gone[0]} is no node of the project as it was parsed last")
        temporary = self._temporary(year) if request.phase == "year" else set()
        if temporary and cursor is None:
            raise ProjectError(
                f"{request.nodes[0].name} is left to dbt, on a connection of its own that does not "
                "see the temporary tables of the year; use --keep-intermediates"
            )
        own = temporary & {node.unique_id for node in request.nodes}
        watch = NodeWatch()
        threads = request.pool_size
        if self._target is not None and self._target.threads is not None:
            threads = self._target.threads
        result = self._started().build(
            parse.manifest,
            [selectors[node.unique_id] for node in request.nodes],
            {**self._spec.variables, **request.variables},
            threads=1 if cursor is not None else max(1, min(threads, len(request.nodes))),
            full_refresh=request.full_refresh,
            on_event=watch.on_event,
            occasion=(request.phase, request.year, request.stage),
            cursor=cursor,
            around=moved(parse.manifest, temporary - own),  # dbt makes no model temporary
        )
        results = checked_results(result, request, watch)
        show_as_temporary(cursor, [parse.manifest.nodes[key] for key in sorted(own)])
        return BatchResult(results)

    def _temporary(self, year: int) -> set[str]:
        """The nodes that were rendered as temporary tables of a year; waits for the rendering."""
        return {
            key
            for key, anew in self._rendered.get(year, ())
            if self.compiled(key, year, full_refresh=anew).relation[0] == "temp"
        }

    def test(self, year: int, nodes: Sequence[str]) -> int:
        """Let dbt run the tests of some nodes.

        Args:
            year: the simulation year, for the tests' variables.
            nodes: unique ids of the graph.

        Returns:
            How many tests ran and passed, or only warned.

        Raises:
            ProjectError: a test fails, with dbt's message; or tests were not asked for at first.
        """
        parse = self._parse(year)
        selection = [parse.graph.selectors[each] for each in nodes]
        variables = {**self._spec.variables, self._spec.step_variable: year}
        result = self._started().test(parse.manifest, selection, variables)
        return passed_tests(result, year)

    def _fingerprint(self) -> Fingerprint:
        try:
            return project_fingerprint(
                self.directory,
                profile=self._profile if self._target is None else self._target.text,
                database=self._database,
                arguments=self._spec.identity(),
                environ=os.environ,
                own_variables=QUIET_ENVIRONMENT,
            )
        except OSError as error:
            raise ProjectError(
                f"{error.filename or self.directory}: cannot be read ({error.strerror})"
            ) from error

    def _load(self, key: _YearKey) -> StoredStep | None:
        if self._cache is None:
            return None
        if key not in self._stored:
            self._stored[key] = self._cache.load(step_name(*key))
        return self._stored[key]

    def _started(self) -> DbtWorker:
        """dbt's thread; the first call starts it."""
        if self._worker is None:
            worker = DbtWorker(self._paths, partial_parse=self._partial_parse, tests=self._tests)
            worker.__enter__()
            self._worker = worker
        return self._worker

    def _parse(self, year: int) -> _Parse:
        """What dbt makes of the project for a year; one parse serves all unless a year decides."""
        known = self._parses.get(year if self.parsed_anew_because else None)
        if known is not None:
            return known
        variables = {**self._spec.variables, self._spec.step_variable: year}
        manifest = self._started().parse(variables)
        # Jinja is slow to import, and a warm run has no use for it.
        from planwise.project.parse_time import reads_step, year_dependent_parts

        parts = year_dependent_parts(manifest, self.directory, self._spec.step_variable)
        if has_foreign_keys(manifest):
            # dbt writes what a key refers to into the manifest, and cannot read it a second time.
            parts = [*parts, "foreign keys of contracts"]
        self._parsed_anew(parts)
        graph = graph_from_manifest(
            manifest,
            self._selected(self._spec.foundation, manifest, variables),
            self._selected(self._spec.year, manifest, variables),
            only=self._by_default(manifest, variables),
            step_variable=self._spec.step_variable,
        )
        scripts = any(stage.sql is not None for stage in graph.year_stages)
        if not scripts and not reads_step(manifest, self.directory, self._spec.step_variable):
            graph = evolve(graph, reads_step=False)
        parse = _Parse(manifest, graph)
        if not self.parsed_anew_because:
            self._parses[None] = parse
        else:
            self._parses.pop(None, None)
            # Two at the most: the year that runs and the one that is rendered ahead of it.
            for old in sorted(each for each in self._parses if each is not None)[:-1]:
                del self._parses[old]
        self._parses[year] = parse
        return parse

    def _forget_before(self, year: int) -> None:
        """Let go of the years before one that runs: their texts alone are 0.5 MB a year."""
        for old in [each for each in self._rendered if each < year]:
            del self._rendered[old]
        for key in [each for each in self._stored if each[0] < year]:
            del self._stored[key]

    def _parsed_anew(self, parts: tuple[str, ...] | list[str]) -> None:
        # What was found in one year stays found, whatever another year's parse shows.
        self.parsed_anew_because = tuple(sorted({*self.parsed_anew_because, *parts}))

    def _by_default(self, manifest: Any, variables: Mapping[str, Any]) -> set[str] | None:
        """What dbt runs when nothing is selected, if the project has a selector for that."""
        selectors = manifest.selectors or {}
        if not any(each.get("default") for each in selectors.values()):
            return None
        return set(self._started().select(manifest, (), variables))

    def _selected(
        self, stages: Sequence[Stage] | None, manifest: Any, variables: Mapping[str, Any]
    ) -> list[Stage] | None:
        """The stages with the nodes that dbt selects for each."""
        if stages is None:
            return None
        chosen = []
        for each in stages:
            nodes = self._started().select(manifest, each.select, variables) if each.select else ()
            if each.select and not nodes:
                what = " ".join(each.select)
                raise ProjectError(f"nothing in {self.directory} is selected by {what}")
            chosen.append(evolve(each, nodes=tuple(nodes)))
        return chosen

    def _render(
        self,
        parse: _Parse,
        year: int,
        existing: Mapping[tuple[str, str, str], str],
        futures: Mapping[_NodeKey, Future[CompiledNode]],
        *,
        first: bool,
    ) -> None:
        """Render every node of a year, in dbt's thread, and store them."""
        try:
            if parse.renderer is None:
                others = () if self._target is None else self._target.others
                keep = self._spec.keep_intermediates
                yearly = [] if keep else list(parse.graph.year.values())
                parse.renderer = Renderer(parse.manifest, others, yearly)
            variables = {**self._spec.variables, self._spec.step_variable: year}
            for node, catalog in catalogs(
                parse.graph, existing, parse.renderer.place_of, first=first
            ):
                for anew in (True, False):
                    if (node, anew) in futures:
                        futures[node, anew].set_result(
                            parse.renderer.render(
                                node, variables, full_refresh=anew, catalog=catalog
                            )
                        )
        except BaseException as error:  # noqa: BLE001  # whoever waits for a node raises it
            failure = ProjectError(f"rendering ahead broke down: {type(error).__name__}: {error}")
            for future in futures.values():
                if not future.done():
                    future.set_exception(failure)
            return
        if self._cache is not None:
            nodes = {node_name(*key): future.result() for key, future in futures.items()}
            content = StoredStep(parse.graph, nodes, self.parsed_anew_because)
            self._cache.store(step_name(year, first), content)
