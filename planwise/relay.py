"""One typed method per hook: asks the plugins, merges and checks what they answer, names culprits.

Implementations are asked one by one, because pluggy's own call loses who answered what and stops
at the first one that raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
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
)
from planwise.containment import Guard
from planwise.errors import GraphError, PlanwiseError, UnknownCodecError
from planwise.plugins import LoadedPlugin, implemented_hooks
from planwise.rendered import frozen_mapping
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
        guard: how they are called; by default with the usual time, and a failure is an error.

    Attributes:
        plugins: likewise.
        guard: likewise; it knows with which failures the run went on.
    """

    def __init__(self, plugins: Iterable[LoadedPlugin] = (), guard: Guard | None = None) -> None:
        self.plugins = tuple(plugins)
        self.guard = Guard() if guard is None else guard
        self._wanted: dict[tuple[str, str], frozenset[str]] = {}
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
            with self.guard.calling(plugin.installed, "add_options"):
                answer = self._call(plugin, "add_options")
                options = _sequence(plugin, "add_options", answer, PluginOption)
                _refuse(plugin, "add_options", options_problem(options))
                declared[plugin.name] = options
        return declared

    def configure(self, values: Mapping[str, Mapping[str, SettingValue | None]]) -> None:
        """Give each plugin its own settled options."""
        for plugin in self._providers("configure"):
            with self.guard.calling(plugin.installed, "configure"):
                self._call(plugin, "configure", options=frozen_mapping(values.get(plugin.name, {})))

    def db_tune(self, request: TuneRequest) -> tuple[TunedSetting, ...]:
        """The settings that all tuners agree on, in name order; what the user fixed is left out."""
        chosen: dict[str, tuple[LoadedPlugin, Setting]] = {}
        fixed = {name.lower() for name in request.fixed}
        for plugin in self._providers("db_tune"):
            with self.guard.calling(plugin.installed, "db_tune"):
                answer = self._call(plugin, "db_tune", request=request)
                if answer is None:
                    continue
                agreed = dict(chosen)
                for setting in _sequence(plugin, "db_tune", answer, Setting):
                    _refuse(plugin, "db_tune", setting_problem(setting, request))
                    if setting.name.lower() not in fixed:  # as DuckDB reads it
                        _choose(agreed, plugin, setting)
                chosen = agreed  # all of its settings, or none
        return tuple(
            TunedSetting(setting, plugin.name)
            for _, (plugin, setting) in sorted(chosen.items(), key=lambda item: item[0])
        )

    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """A plan that is proved to cover the nodes, to respect dependencies and to fit the pool."""
        for plugin in self._providers("plan_batches"):
            with self.guard.calling(plugin.installed, "plan_batches"):
                answer = self._call(plugin, "plan_batches", request=request)
                plan = _instance_of(plugin, "plan_batches", answer, BatchPlan)
                _refuse(plugin, "plan_batches", plan_problem(plan, request))
                return plan
        return BatchPlan([Batch([node]) for node in topological_order(request.nodes)])

    def execute_batch(self, request: BatchRequest) -> BatchResult | None:
        """The provider's results, or None if dbt is to run the batch."""
        for plugin in self._providers("execute_batch"):
            with self.guard.calling(plugin.installed, "execute_batch"):
                answer = self._call(plugin, "execute_batch", request=request)
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
            with self.guard.calling(plugin.installed, "compress_state", _size_of(state)):
                answer = self._call(plugin, "compress_state", state=state)
                blob = _instance_of(plugin, "compress_state", answer, CompressedState)
                _refuse(plugin, "compress_state", compressed_problem(blob))
                return blob, plugin.name
        return None

    def restore_state(self, state: CompressedState, limit_bytes: int, *, written_by: str) -> Any:
        """The table that was stored.

        Raises:
            UnknownCodecError: no enabled plugin knows the codec; the codec is named.
        """
        for plugin in self._providers("restore_state"):
            with self.guard.calling(plugin.installed, "restore_state", state.raw_bytes):
                table = self._call(plugin, "restore_state", state=state, limit_bytes=limit_bytes)
            if table is not None:
                return table
        raise UnknownCodecError(
            f"the state is stored with codec '{state.codec}', written by plugin '{written_by}'; "
            "no enabled plugin reads it: install or enable that plugin"
        )

    def record_metric(self, metric: Metric) -> None:
        """Tell every plugin that a boundary was passed."""
        for plugin in self._providers("record_metric"):
            with self.guard.calling(plugin.installed, "record_metric"):
                self._call(plugin, "record_metric", metric=metric)

    def report_sections(self, summary: RunSummary) -> tuple[ReportSection, ...]:
        """What the plugins add to the report, in the order of their names."""
        sections: dict[str, tuple[LoadedPlugin, ReportSection]] = {}
        for plugin in self._providers("report_section"):
            with self.guard.calling(plugin.installed, "report_section"):
                answer = self._call(plugin, "report_section", summary=summary)
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

    def excuses(self, hook: str, error: PlanwiseError) -> bool:
        """Whether the run goes on with what :meth:`blamed` gave; the plugin is off then.

        Args:
            hook: the hook concerned.
            error: what was given.
        """
        for plugin in self.plugins:
            if plugin.name == getattr(error, "plugin", None):
                return self.guard.excuses(plugin.installed, hook, error)
        return False

    def _providers(self, hook: str) -> list[LoadedPlugin]:
        return [
            plugin
            for plugin in self.plugins
            if hook in self._implementers[plugin.name] and not self.guard.is_off(plugin.name, hook)
        ]

    def _call(self, plugin: LoadedPlugin, hook: str, **arguments: Any) -> Any:
        """Call one implementation with the arguments that it names."""
        function = getattr(plugin.instance, hook)
        wanted = self._wanted.get((plugin.name, hook))
        if wanted is None:
            wanted = frozenset(inspect.signature(function).parameters)
            self._wanted[plugin.name, hook] = wanted
        return function(**{k: v for k, v in arguments.items() if k in wanted})


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


def _size_of(state: StateTable) -> int:
    size = getattr(state.table, "nbytes", 0)
    return size if isinstance(size, int) else 0


def _hint(answer: object) -> str:
    return ", which is no answer: is a `return` missing?" if answer is None else ""


def _refuse(plugin: LoadedPlugin, hook: str, problem: str | None) -> None:
    if problem is not None:
        raise plugin.error(f"{problem}; switch it off with --no-{plugin.name}", hook)


def _instance_of(plugin: LoadedPlugin, hook: str, answer: object, expected: type[_T]) -> _T:
    if not isinstance(answer, expected):
        problem = f"expected a {expected.__name__}, got {shown(answer)}{_hint(answer)}"
        raise plugin.error(f"{problem}; switch it off with --no-{plugin.name}", hook)
    return answer


def _sequence(
    plugin: LoadedPlugin, hook: str, answer: object, expected: type[_T]
) -> tuple[_T, ...]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        problem = f"expected a list of {expected.__name__}, got {shown(answer)}{_hint(answer)}"
        raise plugin.error(f"{problem}; switch it off with --no-{plugin.name}", hook)
    return tuple(_instance_of(plugin, hook, each, expected) for each in answer)
