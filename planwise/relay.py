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
)
from planwise.errors import CheckpointError, GraphError, PlanwiseError
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
            answer = self._ask(plugin, "add_options")
            options = _sequence(plugin, "add_options", answer, PluginOption)
            _refuse(plugin, "add_options", options_problem(options))
            declared[plugin.name] = options
        return declared

    def configure(self, values: Mapping[str, Mapping[str, SettingValue | None]]) -> None:
        """Give each plugin its own settled options."""
        for plugin in self._providers("configure"):
            self._ask(plugin, "configure", options=dict(values.get(plugin.name, {})))

    def db_tune(self, request: TuneRequest) -> tuple[TunedSetting, ...]:
        """The settings that all tuners agree on, in name order; what the user fixed is left out."""
        chosen: dict[str, tuple[LoadedPlugin, Setting]] = {}
        fixed = {name.lower() for name in request.fixed}
        for plugin in self._providers("db_tune"):
            answer = self._ask(plugin, "db_tune", request=request)
            if answer is None:
                continue
            for setting in _sequence(plugin, "db_tune", answer, Setting):
                _refuse(plugin, "db_tune", setting_problem(setting))
                name = setting.name.lower()  # as DuckDB reads it
                if name in fixed:
                    continue
                other = chosen.setdefault(name, (plugin, setting))
                if other[1].value != setting.value:
                    raise plugin.error(
                        f"sets '{setting.name}' to {setting.value!r}, and plugin '{other[0].name}' "
                        f"(from {other[0].installed.distribution}) to {other[1].value!r}; "
                        f"use --no-{plugin.name} or --no-{other[0].name}",
                        "db_tune",
                    )
        return tuple(
            TunedSetting(setting, plugin.name)
            for _, (plugin, setting) in sorted(chosen.items(), key=lambda item: item[0])
        )

    def plan_batches(self, request: PlanRequest) -> BatchPlan:
        """A plan that is proved to cover the nodes, to respect dependencies and to fit the pool."""
        for plugin in self._providers("plan_batches"):
            answer = self._ask(plugin, "plan_batches", request=request)
            plan = _instance_of(plugin, "plan_batches", answer, BatchPlan)
            _refuse(plugin, "plan_batches", plan_problem(plan, request))
            return plan
        return BatchPlan([Batch([node]) for node in topological_order(request.nodes)])

    def execute_batch(self, request: BatchRequest) -> BatchResult | None:
        """The provider's results, or None if dbt is to run the batch."""
        for plugin in self._providers("execute_batch"):
            answer = self._ask(plugin, "execute_batch", request=request)
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
            answer = self._ask(plugin, "compress_state", state=state)
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
            table = self._ask(plugin, "restore_state", state=state, limit_bytes=limit_bytes)
            if table is not None:
                return table
        raise CheckpointError(
            f"the state is stored with codec '{state.codec}', written by plugin '{written_by}'; "
            "no enabled plugin reads it: install or enable that plugin"
        )

    def record_metric(self, metric: Metric) -> None:
        """Tell every plugin that a boundary was passed."""
        for plugin in self._providers("record_metric"):
            self._ask(plugin, "record_metric", metric=metric)

    def report_sections(self, summary: RunSummary) -> tuple[ReportSection, ...]:
        """What the plugins add to the report, in the order of their names."""
        sections: dict[str, tuple[LoadedPlugin, ReportSection]] = {}
        for plugin in self._providers("report_section"):
            answer = self._ask(plugin, "report_section", summary=summary)
            if answer is None:
                continue
            section = _instance_of(plugin, "report_section", answer, ReportSection)
            _refuse(plugin, "report_section", section_problem(section))
            other = sections.setdefault(section.key, (plugin, section))
            if other[0] is not plugin:
                raise plugin.error(
                    f"the section '{section.key}' is plugin '{other[0].name}''s already",
                    "report_section",
                )
        return tuple(section for _, section in sections.values())

    def _providers(self, hook: str) -> list[LoadedPlugin]:
        return [plugin for plugin in self.plugins if hook in self._implementers[plugin.name]]

    def _ask(self, plugin: LoadedPlugin, hook: str, **arguments: Any) -> Any:
        """Call one implementation with the arguments that it names; contain what it raises."""
        function = getattr(plugin.instance, hook)
        wanted = inspect.signature(function).parameters
        try:
            return function(**{k: v for k, v in arguments.items() if k in wanted})
        except (PlanwiseError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit and the like are a plugin's fault too
            text = " ".join(str(error).split())
            raise plugin.error(
                f"raised {type(error).__name__}: {text}; switch it off with --no-{plugin.name}",
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
        raise plugin.error(f"expected a {expected.__name__}, got {answer!r}", hook)
    return answer


def _sequence(
    plugin: LoadedPlugin, hook: str, answer: object, expected: type[_T]
) -> tuple[_T, ...]:
    if not isinstance(answer, Sequence) or isinstance(answer, str):
        raise plugin.error(f"expected a list of {expected.__name__}, got {answer!r}", hook)
    return tuple(_instance_of(plugin, hook, each, expected) for each in answer)
