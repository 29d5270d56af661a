"""What every plugin has to hold, whichever hooks it has."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Final, NoReturn, TypeVar

import pytest
from attrs import frozen
from hypothesis import HealthCheck, settings

from planwise.answers import shown
from planwise.errors import PlanwiseError, PluginError, UsageError
from planwise.plugins import implemented_hooks, installed_plugins, unknown_plugin_message
from planwise.testing import asking
from planwise.testing.corpus import PROJECTS, SMALL
from planwise.testing.host import Host, Place, make_host
from planwise.values import SettingValue

_T = TypeVar("_T")
HEAVY: Final = ("dbt", "duckdb", "pyarrow", "pandas", "numpy", "polars")
"""Libraries that a start need not wait for; `planwise simulate --help` imports the plugins too."""
GENERATED: Final = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[
        HealthCheck.differing_executors,  # a test is inherited by every plugin's class
        HealthCheck.function_scoped_fixture,  # what is asked for makes new hosts and keeps nothing
        HealthCheck.too_slow,
    ],
)
_IMPORTS: Final = """
import json, sys
from planwise.plugins import installed_plugins
point = installed_plugins()[sys.argv[1]].entry_point
before = set(sys.modules)
print("begun", flush=True)
point.load()
print("ended", flush=True)
print(json.dumps(sorted({name.partition(".")[0] for name in set(sys.modules) - before})))
"""


class Plugin:
    """What holds for all plugins: inherited by the class of each hook, and of use alone.

    Attributes:
        plugin: the entry-point name; to be set.
        options: the plugin's options for these tests, by name; its defaults without.
        imports_heavy: why the plugin imports a heavy library when it is loaded, if it has to;
            a warning says so otherwise.
        hooks: what the plugin must implement for these tests to say anything.
    """

    plugin: ClassVar[str] = ""
    options: ClassVar[Mapping[str, SettingValue]] = {}
    imports_heavy: ClassVar[str] = ""
    hooks: ClassVar[tuple[str, ...]] = ()

    def host(self, place: Place, options: Mapping[str, SettingValue] | None = None) -> Host:
        """A host with this plugin alone, and with a new object of it."""
        __tracebackhide__ = True
        given = self.options if options is None else options
        key = (place.folder, self.plugin, tuple(sorted(given.items())))
        if key not in _HOSTS:
            if not self.plugin:
                self.misnamed("expected the entry point's name of a plugin, got none")
            if self.plugin not in (installed := installed_plugins()):
                self.misnamed(unknown_plugin_message(self.plugin, installed))
            _HOSTS[key] = self.made(lambda: make_host(place, self.plugin, options=given))
        return self.made(_HOSTS[key].again)

    def made(self, make: Callable[[], Host]) -> Host:
        """A host; a plugin that does not load or refuses its options fails the test."""
        __tracebackhide__ = True
        try:
            return make()
        except (PluginError, UsageError):
            raise  # they say whose fault it is: the plugin's, or that of the options given here
        except PlanwiseError as error:
            self.fail("configure", f"refuses the options that it is given: {error}")

    def misnamed(self, problem: str) -> NoReturn:
        """Fail where the class names no plugin that is installed."""
        __tracebackhide__ = True
        pytest.fail(f"{type(self).__name__}.plugin: {problem}", pytrace=False)

    def ask(self, hook: str, call: Callable[..., _T], *arguments: Any) -> _T:
        """Call a hook; an error, a printed word or a changed argument fails the test."""
        __tracebackhide__ = True
        try:
            return asking.asked(self.plugin, hook, call, *arguments)
        except PlanwiseError as error:
            if f"'{self.plugin}'" in str(error):
                raise AssertionError(str(error)) from error
            self.fail(hook, f"raised {type(error).__name__}: {error}")

    def fail(self, hook: str | None, message: str) -> NoReturn:
        """Fail the test, with plugin, distribution and hook named."""
        __tracebackhide__ = True
        asking.fail(self.plugin, hook, message)

    def expect(self, holds: bool, hook: str | None, message: str) -> None:
        """Fail the test unless something holds."""
        __tracebackhide__ = True
        if not holds:
            self.fail(hook, message)

    def test_it_loads_and_its_hooks_are_known(self, planwise_place: Place) -> None:
        """The entry point loads, its hooks exist, and those of this class are among them."""
        host = self.host(planwise_place)
        (loaded,) = host.plugins
        there = implemented_hooks(loaded.instance)
        self.expect(bool(there), None, "expected a method that is marked with @hookimpl, got none")
        for hook in self.hooks:
            self.expect(hook in there, hook, f"expected this hook, it has {', '.join(there)}")

    def test_its_options_are_valid(self, planwise_place: Place) -> None:
        """What it declares can be flags and keys; see :class:`AddOptions` for more."""
        host = self.host(planwise_place)
        self.ask("add_options", host.add_options)

    def test_results_are_the_same_with_it_as_without_it(self, planwise_place: Place) -> None:
        """Two years of the small project: every table has the digest that it has without."""
        self.compare_run(planwise_place, SMALL)

    def test_importing_it_prints_nothing(self) -> None:
        """A start imports every plugin that is on: `planwise --help` is the user's output."""
        seen = self._import()
        self.expect(
            not seen.printed,
            None,
            f"expected an import that prints nothing, it printed {shown(seen.printed)}",
        )

    def test_importing_it_imports_no_heavy_library(self) -> None:
        """A warning, no failure: import in the method that needs it, or set ``imports_heavy``."""
        heavy = sorted(set(HEAVY) & self._import().modules)
        if heavy and not self.imports_heavy:
            warnings.warn(
                f"plugin '{self.plugin}' imports {', '.join(heavy)} when it is loaded, and every "
                "start waits for it: import it in the hooks that need it, or say why in "
                "`imports_heavy`",
                stacklevel=1,
            )

    def compare_run(self, place: Place, project: str, *, again: bool = False) -> None:
        """A run of a project of the kit gives the tables that dbt gives without the plugin.

        Args:
            place: where it runs.
            project: its folder in :data:`planwise.testing.corpus.PROJECTS`.
            again: whether it is run again, where another class has run it with this plugin.
        """
        __tracebackhide__ = True
        key = (place.folder, self.plugin, tuple(sorted(self.options.items())), project)
        if again or key not in _RUNS:
            _RUNS[key] = _run(self.host(place), PROJECTS / project)
        run, alone = _RUNS[key], _kernel_alone(place, project)
        if isinstance(run, str):
            self.fail(None, f"project '{project}': {run}")
        names = sorted(alone.keys() | run.keys())
        differ = [name for name in names if alone.get(name) != run.get(name)]
        self.expect(
            not differ,
            None,
            f"project '{project}': expected the tables that dbt gives without it; "
            f"{', '.join(differ)} differ",
        )

    def _import(self) -> _Imported:
        __tracebackhide__ = True
        if self.plugin not in (installed := installed_plugins()):
            self.misnamed(unknown_plugin_message(self.plugin, installed))
        imported = _imported(self.plugin, tuple(sys.path))
        self.expect(not imported.failed, None, f"cannot be imported: {shown(imported.failed)}")
        return imported


@frozen
class _Imported:
    """What an import did: what it printed, the packages that it brought, and why it failed."""

    printed: str
    modules: frozenset[str]
    failed: str


@cache
def _imported(plugin: str, path: tuple[str, ...]) -> _Imported:
    """Import a plugin in a process of its own, in which nothing is imported yet."""
    program = f"import sys; sys.path[:] = {list(path)!r}\n{_IMPORTS}"
    done = subprocess.run(  # noqa: S603  # this Python, with a program written above
        [sys.executable, "-c", program, plugin], capture_output=True, text=True, check=False
    )
    _, _, rest = done.stdout.partition("begun\n")
    said, ended, modules = rest.rpartition("ended\n")
    if not ended:
        return _Imported("", frozenset(), done.stderr.strip() or f"exit {done.returncode}")
    return _Imported(said + done.stderr, frozenset(json.loads(modules)), "")


Digests = Mapping[str, str]
_HOSTS: Final[dict[tuple[Any, ...], Host]] = {}
"""One host of each plugin and its options; tests take new objects of it."""
_RUNS: Final[dict[tuple[Any, ...], Digests | str]] = {}
"""The digests of runs with a plugin, or what was wrong: once for all classes of one plugin."""


def _run(host: Host, project: Path) -> Digests | str:
    with asking.printed() as output:
        try:
            digests = host.simulate(project=project).digests
        except PlanwiseError as error:
            return f"expected a run that succeeds: {error}"
    if output():
        return f"expected hooks that print nothing, a run printed {shown(output())}"
    return digests


@cache
def _kernel_alone(place: Place, project: str) -> Digests:
    """The digests of a project without any plugin, as dbt gives them; once for all plugins."""
    return make_host(place).simulate(project=PROJECTS / project).digests
