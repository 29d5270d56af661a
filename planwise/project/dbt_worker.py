"""dbt in this process: one at a time, in a thread of its own, where it can be interrupted.

The main thread only waits, so that Ctrl-C is noticed at once; it then interrupts the statements
that DuckDB is running for dbt. dbt does not support two invocations at a time in one process, so
a second worker is refused.
"""

from __future__ import annotations

import json
import os
import queue
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from planwise.errors import DependencyError, ProjectError
from planwise.interruption import fulfil, wait_for
from planwise.project.dbt_connection import LentConnection
from planwise.project.occasions import Moment, no_collections, without_generic_tests

_IN_USE: Final = threading.Lock()

_LONGEST_NAME: Final = 100
"""YAML reads keys of up to 1,024 characters, and a character is written with ten at the most."""

QUIET_ENVIRONMENT: Final[Mapping[str, str]] = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_USE_COLORS": "false",
    "DBT_USE_COLORS_FILE": "false",
    "DBT_LOG_FORMAT": "json",
    "DBT_LOG_LEVEL": "none",
    "DBT_LOG_LEVEL_FILE": "none",
    "DBT_WRITE_JSON": "false",
    "DBT_VERSION_CHECK": "true",
    "DBT_STATIC_PARSER": "true",
    "DBT_PARTIAL_PARSE": "true",
    "DO_NOT_TRACK": "1",
}
"""What dbt wants for quiet, fast runs without a network; set by planwise, not by the user."""


@frozen
class DbtPaths:
    """The folders that an invocation of dbt needs.

    Attributes:
        project: where ``dbt_project.yml`` is.
        profiles: where ``profiles.yml`` is.
        target: where dbt keeps its parse cache.
        logs: where dbt would log.
        target_name: the target of the profile; None for its default.
    """

    project: Path
    profiles: Path
    target: Path
    logs: Path
    target_name: str | None = None

    def arguments(self) -> list[str]:
        """The flags that tell dbt."""
        return [
            *("--project-dir", str(self.project)),
            *("--profiles-dir", str(self.profiles)),
            *("--target-path", str(self.target)),
            *("--log-path", str(self.logs)),
            *(("--target", self.target_name) if self.target_name else ()),
        ]


class DbtWorker:
    """Runs dbt commands in a thread of its own. Use as a context manager.

    Args:
        paths: the folders that dbt needs.
        partial_parse: whether dbt may reuse its parse cache on disk.
        tests: whether tests are parsed.

    Raises:
        ProjectError: another worker is active in this process.
    """

    def __init__(self, paths: DbtPaths, *, partial_parse: bool = True, tests: bool = True) -> None:
        self._paths = paths
        self._tests = tests
        self._moment = Moment()
        self._partial_parse = partial_parse
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._serve, name="planwise-dbt", daemon=True)

    def __enter__(self) -> DbtWorker:
        if not _IN_USE.acquire(blocking=False):
            raise ProjectError(
                "dbt is in use in this process already, and it does not support two runs at once; "
                "close the other engine, or use another process"
            )
        partial_parse = "true" if self._partial_parse else "false"
        wanted = {**QUIET_ENVIRONMENT, "DBT_PARTIAL_PARSE": partial_parse}
        self._environment_before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.put((Future(), release_database))
        self._jobs.put(None)
        self._thread.join(timeout=5)
        for name, value in self._environment_before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _IN_USE.release()

    def parse(self, variables: Mapping[str, Any]) -> Any:
        """Parse the project; gives dbt's manifest.

        Args:
            variables: dbt's ``--vars``.

        Raises:
            ProjectError: with dbt's message.
        """
        with nullcontext() if self._tests else without_generic_tests(), no_collections():
            result = self._invoke(["parse"], variables, manifest=None)
        if not result.success or result.result is None:
            raise ProjectError(f"dbt cannot parse {self._paths.project}: {_cause(result)}")
        return result.result

    def build(
        self,
        manifest: Any,
        selection: Sequence[str],
        variables: Mapping[str, Any],
        *,
        threads: int,
        full_refresh: bool,
        on_event: Callable[[Any], None] | None = None,
        occasion: object = None,
        cursor: Any = None,
        around: AbstractContextManager[Any] | None = None,
    ) -> Any:
        """Run models, seeds and snapshots; gives dbt's result, successful or not.

        Args:
            manifest: what :meth:`parse` gave.
            selection: dbt selectors, one per node.
            variables: dbt's ``--vars``.
            threads: how many nodes may run at once.
            full_refresh: whether incremental models start anew.
            on_event: called with each of dbt's events, on dbt's threads.
            occasion: invocations of one occasion have one invocation id and starting time, as if
                dbt had been called once.
            cursor: DuckDB's, in an open transaction that dbt is to run in; ``threads`` is 1 then.
                None: dbt opens the database itself, and commits each node.
            around: entered in dbt's thread for the time of the invocation.

        Raises:
            LeavesTransactionError: not in that transaction.
        """
        arguments = ["build", "--threads", str(threads), "--select", *selection]
        for kind in ("model", "seed", "snapshot"):
            arguments += ["--resource-type", kind]
        if full_refresh:
            arguments.append("--full-refresh")
        lent = None if cursor is None else LentConnection(cursor)
        with self._moment.of(occasion):
            result = self._invoke(
                arguments, variables, manifest=manifest, on_event=on_event, lent=lent, around=around
            )
        if lent is not None:
            lent.check(succeeded=bool(result.success))
        return result

    def select(
        self, manifest: Any, selection: Sequence[str], variables: Mapping[str, Any]
    ) -> list[str]:
        """The unique ids of the models, seeds and snapshots that dbt's selectors select, sorted.

        Raises:
            ProjectError: dbt does not understand a selector.
        """
        arguments = ["ls", "--quiet", "--output", "json", "--output-keys", "unique_id"]
        for kind in ("model", "seed", "snapshot"):
            arguments += ["--resource-type", kind]
        chosen = ["--select", *selection] if selection else []
        result = self._invoke([*arguments, *chosen], variables, manifest=manifest)
        if not result.success:
            raise ProjectError(f"dbt cannot select {' '.join(selection)}: {_cause(result)}")
        found = {json.loads(line)["unique_id"] for line in result.result or ()}
        # An ephemeral model is selected, and nothing that is run.
        return sorted(
            key for key in found if manifest.nodes[key].config.materialized != "ephemeral"
        )

    def test(self, manifest: Any, selection: Sequence[str], variables: Mapping[str, Any]) -> Any:
        """Run the tests of nodes; gives dbt's result, successful or not."""
        return self._invoke(["test", "--select", *selection], variables, manifest=manifest)

    def _invoke(
        self,
        arguments: list[str],
        variables: Mapping[str, Any],
        *,
        manifest: Any,
        on_event: Callable[[Any], None] | None = None,
        lent: LentConnection | None = None,
        around: AbstractContextManager[Any] | None = None,
    ) -> Any:
        full = [*arguments, *self._paths.arguments(), "--vars", vars_argument(variables)]

        def call() -> Any:
            try:
                from dbt.cli.main import dbtRunner
            except ImportError as error:
                raise DependencyError(
                    f"dbt cannot be imported ({error}); pip install 'dbt-core>=1.11,<1.12' "
                    "'dbt-duckdb>=1.11,<1.12'"
                ) from error
            # Here, in dbt's thread: a rendering may have been under way until now.
            reset_compile_state(manifest)
            with around or nullcontext(), lent.installed() if lent else nullcontext():
                return dbtRunner(manifest, callbacks=[on_event] if on_event else []).invoke(full)

        interrupt = interrupt_statements if lent is None else lent.interrupt
        return wait_for(self.submit(call), interrupt)

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Run a function in dbt's thread, after what is waiting there; gives its future."""
        job: Future[Any] = Future()
        self._jobs.put((job, call))
        return job

    def _serve(self) -> None:
        while (item := self._jobs.get()) is not None:
            fulfil(*item)


def reset_compile_state(manifest: Any) -> None:
    """Forget what an earlier invocation, or a rendering, compiled in any node."""
    for node in manifest.nodes.values() if manifest is not None else ():
        forget_compilation(node)


def forget_compilation(node: Any) -> None:
    """Forget what an earlier compilation left in a node.

    Nodes of a reused manifest keep it, and an ephemeral model then injects the text of the year
    before, or none at all.
    """
    if getattr(node, "compiled", False):
        node.compiled = False
        node.compiled_code = None
        node.extra_ctes_injected = False
        node.extra_ctes = []
        node._pre_injected_sql = None  # noqa: SLF001  # part of the state dbt leaves behind


def vars_argument(variables: Mapping[str, Any]) -> str:
    """dbt's ``--vars`` as JSON, which is YAML that nobody can break out of.

    Raises:
        ProjectError: a value would come out of YAML as another (1e22 becomes text, and NaN too), is
            of a type that YAML has no word for, or a name is longer than YAML can read.
    """
    for name, value in variables.items():
        if not isinstance(name, str) or len(name) > _LONGEST_NAME:
            raise ProjectError(
                f"var '{str(name)[:20]}...': expected a name of at most {_LONGEST_NAME} characters"
            )
        if not _survives(value):
            raise ProjectError(
                f"var '{name}': expected an integer, truth value, text or plain decimal, or lists "
                f"and mappings of these: {value!r}"
            )
    text = json.dumps(dict(variables), ensure_ascii=False)
    # Escaped here, since JSON writes a character beyond the first 65,536 as two, which YAML keeps.
    return "".join(each if each < "\x7f" else _yaml_escape(ord(each)) for each in text)


def _survives(value: object, depth: int = 20) -> bool:
    """Whether a value comes out of YAML as it went in as JSON."""
    if isinstance(value, Mapping):
        return depth > 0 and all(
            isinstance(key, str) and len(key) <= _LONGEST_NAME and _survives(each, depth - 1)
            for key, each in value.items()
        )
    if isinstance(value, list | tuple):
        return depth > 0 and all(_survives(each, depth - 1) for each in value)
    if isinstance(value, float):
        return re.fullmatch(r"-?\d+\.\d+", json.dumps(value)) is not None
    return value is None or isinstance(value, int | bool | str)


def _yaml_escape(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def interrupt_statements() -> None:
    """Interrupt every statement that dbt's connections are running; harmless when there is none."""
    import duckdb
    from dbt.adapters.factory import FACTORY

    for adapter in list(FACTORY.adapters.values()):
        with adapter.connections.lock:
            connections = list(adapter.connections.thread_connections.values())
        for connection in connections:
            handle = getattr(connection, "_handle", None)
            cursor = getattr(handle, "_cursor", None)
            if cursor is not None:
                try:
                    cursor.interrupt()
                except (
                    RuntimeError,
                    duckdb.Error,
                ):  # the connection was closed meanwhile: nothing to interrupt
                    continue


def release_database() -> None:
    """Close dbt's connections; dbt-duckdb otherwise keeps the file open after the last command."""
    import sys

    if "dbt.adapters.duckdb" not in sys.modules:
        return  # dbt never ran
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import FACTORY, reset_adapters

    for adapter in list(FACTORY.adapters.values()):
        adapter.cleanup_connections()
    environment = DuckDBConnectionManager._ENV  # noqa: SLF001  # no public way to close it
    if environment is not None:
        environment.close()
    DuckDBConnectionManager.close_all_connections()
    reset_adapters()


def _cause(result: Any) -> str:
    text = str(result.exception or "no manifest was given").strip()
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
