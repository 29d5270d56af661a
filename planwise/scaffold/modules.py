"""The Python of a new plugin's package, put together of what each part brings along."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from planwise.api import API_VERSION
from planwise.scaffold.imports import with_imports
from planwise.scaffold.names import Names, environment_prefix
from planwise.scaffold.parts import OPTIONS, Part, hooks_of

if TYPE_CHECKING:
    from jinja2 import Environment

CONTRACTS: Final[Mapping[str, str]] = {
    "add_options": "AddOptions",
    "configure": "Configure",
    "db_tune": "DbTune",
    "plan_batches": "PlanBatches",
    "execute_batch": "ExecuteBatch",
    "compress_state": "CompressState",
    "restore_state": "CompressState",
    "record_metric": "RecordMetric",
    "report_section": "ReportSection",
}
"""The contract suite of each hook: a class of ``planwise.testing.contracts``."""

_NAME: Final = '''\
NAME: Final = "{name}"
"""The plugin's name, as its entry point says it."""
'''
_BETWEEN: Final = "\n\n\n"


class Modules:
    """The modules of one package.

    Args:
        environment: of Jinja.
        names: what the plugin is called.
        parts: what it has.
    """

    def __init__(self, environment: Environment, names: Names, parts: Sequence[Part]) -> None:
        self._names, self._parts = names, parts
        options = OPTIONS in parts
        values: dict[str, Any] = {
            "names": names,
            "environment": environment_prefix(names),
            "options": options,
            "declared": [],
            "taken": [],
        }
        modules = {
            part.name: environment.get_template(f"parts/{part.name}.py.jinja") for part in parts
        }
        if options:
            made = [each.make_module(values) for each in modules.values()]
            values["declared"] = [text for each in made if (text := _snippet(each, "option"))]
            values["taken"] = [text for each in made if (text := _snippet(each, "configure"))]
        self._made = [each.make_module(values) for each in modules.values()]

    def plugin(self) -> str:
        """The module with the plugin's class."""
        body = _BETWEEN.join([*self._constants(), self._class(), *self._snippets("helpers")])
        does = "\n".join(f"- {part.does}," for part in self._parts).removesuffix(",")
        head = (
            f'"""Plugin ``{self._names.plugin}`` of planwise.\n\nAs generated it\n\n{does}.\n\n'
            "Put your own idea in its place; the tests say whether planwise can rely on it.\n"
            '"""\n\n'
        )
        return f"{head}{with_imports(body, {})}\n"

    def behaviour(self) -> str:
        """The tests of what this plugin alone does."""
        body = _BETWEEN.join(self._snippets("tests"))
        defined = _names_defined(self.plugin())
        own = dict.fromkeys(defined, self._names.module)
        return f'"""What this plugin does, whatever others do."""\n\n{with_imports(body, own)}\n'

    def contract(self) -> str:
        """The tests of what planwise expects of every plugin with these hooks."""
        suites = dict.fromkeys(CONTRACTS[hook] for hook in hooks_of(self._parts))
        body = _BETWEEN.join(
            f'class Test{suite}(contracts.{suite}):\n    plugin = "{self._names.plugin}"'
            for suite in suites
        )
        return (
            '"""What planwise expects of every plugin with these hooks: its own suites."""\n\n'
            f"{with_imports(body, {})}\n"
        )

    def _constants(self) -> list[str]:
        found = self._snippets("constants")
        code = [*found, self._class(), *self._snippets("helpers")]
        if any("NAME" in _names_in(each) for each in code):
            found = [_NAME.format(name=self._names.plugin).strip("\n"), *found]
        return ["\n\n".join(found)] if found else []

    def _class(self) -> str:
        state = "\n".join(self._snippets("state"))
        if state:
            state = f"    def __init__(self) -> None:\n{state}\n\n"
        hooks = "\n\n".join(self._snippets("hooks"))
        return (
            f"class {self._names.class_name}:\n"
            '    """The hooks; planwise makes an object of it for each run."""\n\n'
            f'    planwise_api = "{API_VERSION}"\n'
            '    """The API that it was built with: a planwise that lacks it says so."""\n\n'
            f"{state}{hooks}"
        )

    def _snippets(self, section: str) -> list[str]:
        return [text for each in self._made if (text := _snippet(each, section))]


def _snippet(module: Any, section: str) -> str:
    """What a part says under a heading, or nothing."""
    macro = getattr(module, section, None)
    text = "" if macro is None else str(macro())
    return text.strip("\n").rstrip()


def _names_in(body: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}


def _names_defined(source: str) -> list[str]:
    """Classes, functions and constants of a module."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return found
