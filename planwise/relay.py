"""One typed method per hook: asks the plugins, merges and checks what they answer, names culprits.

Implementations are asked one by one, because pluggy's own call loses who answered what and stops
at the first one that raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from attrs import frozen

from planwise.answers import (
    compressed_problem,
    options_problem,
    plan_problem,
    results_problem,
    section_problem,
    setting_problem,
    shown,
    told,
)
from planwise.errors import CheckpointError, GraphError, PlanwiseError
from planwise.interruption import may_be_the_users
from planwise.plugins import LoadedPlugin, implemented_hooks
from planwise.values import (
    Batch,
    BatchPlan,
    BatchRequest,
    BatchResult,
    CompressedState,
    Metric,
    ModelNode,
    PlanRequest,
    PluginOption,
    ReportSection,
    RunSummary,
    Setting,
    SettingValue,
    StateTable,
    TuneRequest,
)

_T = TypeVar("_T")


@frozen
class TunedSetting:
    """A setting that a plugin chose, with the plugin's name for the report."""

    setting: Setting
    plugin: str


class Relay:
    """The kernel's side of the hooks.

    Args:
        plugins: the enabled plugins, loaded and checked.
    """

    def __init__(self, plugins: Iterable[LoadedPlugin] = ()) -> None:
        self.plugins = tuple(plugins)
        self._implementers = {
            plugin.name: frozenset(implemented_hooks(plugin.instance)) for plugin in self.plugins
        }

    def provides(self, hook: str) -> bool:
        """Whether an enabled plugin implements a hook."""
        return bool(self._providers(hook))

    def add_options(self) -> dict[str, tuple[PluginOption, ...]]:
        """The options of each plugin, by plugin name; a plugin that declares none takes none."""
        declared: dict[str, tuple[PluginOption, ...]] = {plugin.name: () for plugin in self.plugins}
        for plugin in self._providers("add_options"):
            with _contained(plugin, "add_options"):
                answer = _call(plugin, "add_options")
                options = _sequence(plugin, "add_options", answer, PluginOption)
                _refuse(plugin, "add_options", options_problem(options))
                declared[plugin.name] = options
        return declared

    def configure(self, values: Mapping[str, Mapping[str, SettingValue | None]]) -> None:
        """Give each plugin its own settled options."""
        for plugin in self._providers("configure"):
            with _contained(plugin, "configure"):
                _call(plugin, "configure", options=dict(values.get(plugin.name, {})))

    def db_tune(self, request: TuneRequest) -> tuple[TunedSetting, ...]:
        """The settings that all tuners agree on, in name order; what the user fixed is left out."""
        chosen: dict[str, tuple[LoadedPlugin, Setting]] = {}
        fixed = {name.lower() for name in request.fixed}
        for plugin in self._providers("db_tune"):
            with _contained(plugin, "db_tune"):
                answer = _call(plugin, "db_tune", request=request)
                if answer is None:
                    continue
                for setting in _sequence(plugin, "db_tune", answer, Setting):
                    _refuse(plugin, "db_tune", setting_problem(setting, request))
                    if setting.name.lower() not in fixed:  # as DuckDB reads it
                        _choose(chosen, plugin, setting)
        return tuple(
            TunedSetting(setting, plugin.name)
            for _, (plugin, setting) in sorted(chosen.items(), key=lambda item: item[0])
        )

    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """A plan that is proved to cover the nodes, to respect dependencies and to fit the pool."""
        for plugin in self._providers("plan_batches"):
            with _contained(plugin, "plan_batches"):
                answer = _call(plugin, "plan_batches", request=request)
                plan = _instance_of(plugin, "plan_batches", answer, BatchPlan)
                _refuse(plugin, "plan_batches", plan_problem(plan, request))
                return plan
        return BatchPlan([Batch([node]) for node in topological_order(request.nodes)])

    def execute_batch(self, request: BatchRequest) -> BatchResult | None:
        """The provider's results, or None if dbt is to run the batch."""
        for plugin in self._providers("execute_batch"):
            with _contained(plugin, "execute_batch"):
                answer = _call(plugin, "execute_batch", request=request)
                if answer is None:
                    return None
                result = _instance_of(plugin, "execute_batch", answer, BatchResult)
                expected = [node.unique_id for node in request.nodes]
                _refuse(plugin, "execute_batch", results_problem(result, expected))
                return result
        return None

    def compress_state(self, state: StateTable) -> tuple[CompressedState, str] | None:
        """The state as bytes and the name of the plugin that made them; None without a provider."""
        for plugin in self._providers("compress_state"):
            with _contained(plugin, "compress_state"):
                answer = _call(plugin, "compress_state", state=state)
                blob = _instance_of(plugin, "compress_state", answer, CompressedState)
                _refuse(plugin, "compress_state", compressed_problem(blob))
                return blob, plugin.name
        return None

    def restore_state(self, state: CompressedState, limit_bytes: int, *, written_by: str) -> Any:
        """The table that was stored.

        Raises:
            CheckpointError: no enabled plugin knows the codec; the codec is named.
        """
        for plugin in self._providers("restore_state"):
            with _contained(plugin, "restore_state"):
                table = _call(plugin, "restore_state", state=state, limit_bytes=limit_bytes)
            if table is not None:
                return table
        raise CheckpointError(
            f"the state is stored with codec '{state.codec}', written by plugin '{written_by}'; "
            "no enabled plugin reads it: install or enable that plugin"
        )

    def record_metric(self, metric: Metric) -> None:
        """Tell every plugin that a boundary was passed."""
        for plugin in self._providers("record_metric"):
            with _contained(plugin, "record_metric"):
                _call(plugin, "record_metric", metric=metric)

    def report_sections(self, summary: RunSummary) -> tuple[ReportSection, ...]:
        """What the plugins add to the report, in the order of their names."""
        sections: dict[str, tuple[LoadedPlugin, ReportSection]] = {}
        for plugin in self._providers("report_section"):
            with _contained(plugin, "report_section"):
                answer = _call(plugin, "report_section", summary=summary)
                if answer is None:
                    continue
                section = _instance_of(plugin, "report_section", answer, ReportSection)
                _refuse(plugin, "report_section", section_problem(section))
                other = sections.setdefault(section.key, (plugin, section))
                if other[0] is not plugin:
                    problem = f"the section '{section.key}' is plugin '{other[0].name}''s already"
                    raise plugin.error(problem, "report_section")
        return tuple(section for _, section in sections.values())

    def blamed(self, hook: str, problem: str, plugin: str | None = None) -> PlanwiseError:
        """An error for what came to light only after the answer.

        Args:
            hook: the hook concerned.
            problem: what happened, and how to mend it but for the plugin's own switch.
            plugin: whose answer it was; of a hook with one provider it is that one.
        """
        for each in self._providers(hook):
            if plugin in (None, each.name):
                return each.error(f"{problem}; switch it off with --no-{each.name}", hook)
        return PlanwiseError(problem)

    def _providers(self, hook: str) -> list[LoadedPlugin]:
        return [plugin for plugin in self.plugins if hook in self._implementers[plugin.name]]


def _choose(
    chosen: dict[str, tuple[LoadedPlugin, Setting]], plugin: LoadedPlugin, setting: Setting
) -> None:
    """Add a setting to those that are chosen, unless another plugin contradicts it."""
    other = chosen.setdefault(setting.name.lower(), (plugin, setting))
    if other[1].value != setting.value:
        raise plugin.error(
            f"sets '{setting.name}' to {setting.value!r}, and plugin '{other[0].name}' "
            f"(from {other[0].installed.distribution}) to {other[1].value!r}; "
            f"use --no-{plugin.name} or --no-{other[0].name}",
            "db_tune",
        )


def _call(plugin: LoadedPlugin, hook: str, **arguments: Any) -> Any:
    """Call one implementation with the arguments that it names."""
    function = getattr(plugin.instance, hook)
    wanted = inspect.signature(function).parameters
    return function(**{k: v for k, v in arguments.items() if k in wanted})


@contextmanager
def _contained(plugin: LoadedPlugin, hook: str) -> Iterator[None]:
    """Contain what a plugin raises when it is called, and when its answer is looked at."""
    try:
        yield
    except PlanwiseError:
        raise
    except BaseException as error:  # SystemExit and the like are a plugin's fault too
        if isinstance(error, KeyboardInterrupt) and may_be_the_users():
            raise
        raise plugin.error(
            f"raised {told(error)}; switch it off with --no-{plugin.name}",
            hook,
        ) from error


def topological_order(nodes: Mapping[str, ModelNode]) -> list[str]:
    """Unique ids with dependencies first, ties by name.

    Raises:
        GraphError: the nodes form a cycle, which is named.
    """
    sorter = TopologicalSorter(
        {
            key: [d for d in sorted(node.depends_on) if d in nodes]
            for key, node in sorted(nodes.items())
        }
    )
    try:
        return list(sorter.static_order())
    except CycleError as error:
        raise GraphError(f"the models form a cycle: {' -> '.join(error.args[1])}") from error


def _refuse(plugin: LoadedPlugin, hook: str, problem: str | None) -> None:
    if problem is not None:
        raise plugin.error(problem, hook)


def _instance_of(plugin: LoadedPlugin, hook: str, answer: object, expected: type[_T]) -> _T:
    if not isinstance(answer, expected):
        raise plugin.error(f"expected a {expected.__name__}, got {shown(answer)}", hook)
    return answer


def _sequence(
    plugin: LoadedPlugin, hook: str, answer: object, expected: type[_T]
) -> tuple[_T, ...]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise plugin.error(f"expected a list of {expected.__name__}, got {shown(answer)}", hook)
    return tuple(_instance_of(plugin, hook, each, expected) for each in answer)
