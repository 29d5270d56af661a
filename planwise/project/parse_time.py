"""What a project fixes when it is parsed, and so may be stale for another year.

A reused manifest is right for every ``{{ var('simulation_year') }}`` that becomes text when a
model is rendered. It is wrong where the variable decides the graph or a configuration:
``config(enabled=var(...))``, ``ref(var(...))``, ``{% if var(...) %}{{ ref(...) }}{% endif %}``.
The check here reads the templates and errs on the safe side: what it cannot prove harmless makes
planwise parse anew for each year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jinja2
import jinja2.nodes as ast
from jinja2.ext import Extension
from jinja2.parser import Parser

_GRAPH_CALLS: Final = frozenset({"ref", "source", "config"})
_DBT_PACKAGES: Final = frozenset({"dbt", "dbt_duckdb"})
_HARMLESS_CALLS: Final = frozenset({"var", "env_var", "return", "range", "log", "print"})
_NAMING: Final = re.compile(r"(\w+__)?generate_(alias|schema|database)_name\Z")
"""Macros that dbt calls by itself while it parses; a project may have its own."""
_ALL_VARS: Final = ("invocation_args_dict", "flags.VARS")
_YAML_VAR: Final = re.compile(r"\{[{%][^}]*\bvar\b")


class _DbtBlocks(Extension):
    """dbt's own block tags, read as plain blocks so that their contents are seen."""

    tags = {"materialization", "test", "snapshot", "docs"}  # noqa: RUF012  # jinja2's declaration

    def parse(self, parser: Parser) -> list[ast.Node]:
        tag = next(parser.stream).value
        while parser.stream.current.type != "block_end":
            next(parser.stream)
        return list(parser.parse_statements((f"name:end{tag}",), drop_needle=True))


def year_dependent_parts(manifest: Any, project: Path, variable: str) -> list[str]:
    """Which parts of the project may be parsed differently in another year.

    Args:
        manifest: dbt's Manifest.
        project: the project's folder, whose YAML files are read too.
        variable: the name of the step variable.

    Returns:
        Names of models, macros or files, sorted; empty when one parse serves every year.
    """
    environment = _environment()
    macros = {macro.name: macro.macro_sql for macro in manifest.macros.values()}
    own = {m.name for m in manifest.macros.values() if m.package_name not in _DBT_PACKAGES}
    trees = {name: _parse(environment, sql) for name, sql in macros.items() if name in own}
    graph_macros = _closure(trees, lambda tree: _calls_any(tree, _GRAPH_CALLS))
    year_macros = _closure(trees, lambda tree: tree is None or _reads(tree, variable))
    reader = _Reader(variable, year_macros, graph_macros, frozenset(macros))
    # A macro without ref, source or config cannot change the graph by itself, whatever it computes.
    found = {
        f"macro {name}"
        for name in year_macros
        if _NAMING.match(name) or (name in graph_macros and reader.decides(trees[name]))
    }
    # A model that this year disables is none of the nodes, and may be one of them next year.
    disabled = [node for nodes in manifest.disabled.values() for node in nodes]
    for node in [*manifest.nodes.values(), *disabled]:
        code = getattr(node, "raw_code", "") or ""
        if "var" not in code and not any(name in code for name in year_macros):
            continue
        tree = _parse(environment, code)
        if tree is None or reader.decides(tree):
            found.add(str(node.unique_id))
    found |= {file.relative_to(project).as_posix() for file in _yaml_reading(project, variable)}
    return sorted(found)


def reads_step(manifest: Any, project: Path, variable: str) -> bool:
    """Whether anything in the project may read the step variable; if not, one step is all of it.

    Args:
        manifest: dbt's Manifest.
        project: the project's folder, whose YAML files are read too.
        variable: the name of the step variable.
    """
    environment = _environment()
    texts = [m.macro_sql for m in manifest.macros.values() if m.package_name not in _DBT_PACKAGES]
    disabled = [node for nodes in manifest.disabled.values() for node in nodes]
    for node in [*manifest.nodes.values(), *disabled]:
        texts.append(getattr(node, "raw_code", "") or "")
        # Hooks and the like, whichever file or package they come from
        texts.append(repr(getattr(node, "config", "")))
    # By its name, in a hook's text or a Python model too; or with all vars at once
    if any(word in text for text in texts for word in (variable, *_ALL_VARS)):
        return True
    for text in texts:
        if "var" in text:
            tree = _parse(environment, text)
            if tree is None or _reads(tree, variable):
                return True
    return any(_yaml_reading(project, variable))


def _environment() -> jinja2.Environment:
    return jinja2.Environment(  # noqa: S701  # nothing is rendered, only read
        extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols", _DbtBlocks]
    )


class _Reader:
    """Decides whether a template's reading of the step variable can reach graph or config."""

    def __init__(
        self,
        variable: str,
        year_macros: frozenset[str],
        graph_macros: frozenset[str],
        known_macros: frozenset[str],
    ) -> None:
        self._variable = variable
        self._year_macros = year_macros
        self._graph_calls = graph_macros | _GRAPH_CALLS
        self._known = known_macros

    def decides(self, tree: ast.Template | None) -> bool:
        """Whether the year may decide which graph calls are made, or with which arguments."""
        if tree is None:
            return True
        names = self._tainted_names(tree)
        branches = tree.find_all((ast.If, ast.For, ast.CondExpr))
        if any(self._controls(each, names) and self._calls_graph(each) for each in branches):
            return True
        return any(self._call_decides(call, names) for call in tree.find_all(ast.Call))

    def _tainted_names(self, tree: ast.Template) -> frozenset[str]:
        """Names that may hold something computed from the year."""
        names: frozenset[str] = frozenset()
        while True:
            found = set(names)
            for assign in tree.find_all((ast.Assign, ast.AssignBlock)):
                if self._tainted(assign, names):
                    found |= _stored(assign)
            for scope in tree.find_all(ast.With):
                if any(self._tainted(value, names) for value in scope.values):
                    found |= _stored(scope)
            for call in tree.find_all(ast.Call):
                if any(self._tainted(argument, names) for argument in _arguments(call)):
                    found |= _receiver(call)
            for branch in tree.find_all((ast.If, ast.For)):
                if self._controls(branch, names):
                    found |= _stored(branch)
            if found == names:
                return names
            names = frozenset(found)

    def _controls(self, node: ast.Node, names: frozenset[str]) -> bool:
        """Whether the year decides the branch that is taken, or how often a loop runs."""
        if isinstance(node, ast.For):
            tests = [node.iter] if node.test is None else [node.iter, node.test]
        else:
            tests = [node.test] if isinstance(node, ast.If | ast.CondExpr) else []
        return any(self._tainted(test, names) for test in tests)

    def _calls_graph(self, node: ast.Node) -> bool:
        return any(
            name is None or name in self._graph_calls
            for name in map(_called, node.find_all(ast.Call))
        )

    def _call_decides(self, call: ast.Call, names: frozenset[str]) -> bool:
        name = _called(call)
        if isinstance(call.node, ast.Name) and name in names:
            return True  # the year may have chosen what is called
        if not any(self._tainted(argument, names) for argument in _arguments(call)):
            return False
        # A macro without ref, source or config may compute with the year as it likes.
        return name in self._graph_calls or not (
            name in self._known or name in _HARMLESS_CALLS or isinstance(call.node, ast.Getattr)
        )

    def _tainted(self, node: ast.Node, names: frozenset[str]) -> bool:
        if _reads(node, self._variable):
            return True
        return any(
            (isinstance(each, ast.Name) and each.ctx == "load" and each.name in names)
            or _name_of(each) in self._year_macros
            for each in _with_descendants(node)
        )


def _with_descendants(node: ast.Node) -> list[ast.Node]:
    return [node, *node.find_all(ast.Node)]


def _name_of(node: ast.Node) -> str | None:
    """The name that an expression looks up: of ``a``, ``b.a`` and ``b['a']`` it is ``a``."""
    if isinstance(node, ast.Name):
        return node.name if node.ctx == "load" else None
    if isinstance(node, ast.Getattr):
        return node.attr
    if isinstance(node, ast.Getitem) and isinstance(node.arg, ast.Const):
        return str(node.arg.value)
    return None


def _called(call: ast.Call) -> str | None:
    """The name that is called, of ``builtins.ref(...)`` the last part; None if it is computed."""
    return _name_of(call.node)


def _arguments(call: ast.Call) -> list[ast.Node]:
    dynamic = [each for each in (call.dyn_args, call.dyn_kwargs) if each is not None]
    return [*call.args, *call.kwargs, *dynamic]


def _receiver(call: ast.Call) -> set[str]:
    """Of ``a.b.append(...)`` the name ``a``: the call may change what it holds."""
    node: ast.Node = call.node
    if not isinstance(node, ast.Getattr | ast.Getitem):
        return set()
    while isinstance(node, ast.Getattr | ast.Getitem):
        node = node.node
    return {node.name} if isinstance(node, ast.Name) else set()


def _stored(tree: ast.Node) -> set[str]:
    """Names that a statement assigns or changes; of ``{% set space.x = ... %}`` the namespace."""
    names = {name.name for name in tree.find_all(ast.Name) if name.ctx in ("store", "param")}
    names |= {reference.name for reference in tree.find_all(ast.NSRef)}
    return names.union(*map(_receiver, tree.find_all(ast.Call)))


def _closure(
    trees: Mapping[str, ast.Template | None], holds: Callable[[ast.Template | None], bool]
) -> frozenset[str]:
    """Macros for which a property holds, directly or through a macro that they call."""
    found = {name for name, tree in trees.items() if holds(tree)}
    grew = True
    while grew:
        more = {
            name
            for name, tree in trees.items()
            if name not in found and tree is not None and _calls_any(tree, found)
        }
        found |= more
        grew = bool(more)
    return frozenset(found)


def _parse(environment: jinja2.Environment, text: str) -> ast.Template | None:
    try:
        return environment.parse(text)
    except jinja2.TemplateError:
        return None  # dbt says what is wrong with it; here it only means: not proved harmless


def _calls_any(tree: ast.Template | None, names: Iterable[str]) -> bool:
    """Whether a template uses one of these macros, also through ``adapter.dispatch``."""
    wanted = set(names)
    if tree is None:
        return True
    if any(_name_of(each) in wanted for each in tree.find_all(ast.Node)):
        return True
    dispatched = [call for call in tree.find_all(ast.Call) if _called(call) == "dispatch"]
    return any(_may_dispatch(call, name) for call in dispatched for name in wanted)


def _may_dispatch(call: ast.Call, name: str) -> bool:
    first = call.args[0] if call.args else None
    return not isinstance(first, ast.Const) or name.endswith(f"__{first.value}")


def _reads(tree: ast.Node, variable: str) -> bool:
    """Whether a template reads the variable, or uses ``var`` in a way that hides what it reads."""
    nodes = _with_descendants(tree)
    plain = {
        id(call.node)
        for call in nodes
        if isinstance(call, ast.Call) and _called(call) == "var" and not _may_name(call, variable)
    }
    return any(_name_of(each) == "var" and id(each) not in plain for each in nodes)


def _may_name(call: ast.Call, variable: str) -> bool:
    """Whether ``var(...)`` is, or could be, a reading of the variable."""
    first = call.args[0] if call.args else None
    return not isinstance(first, ast.Const) or first.value == variable


def _yaml_reading(project: Path, variable: str) -> Iterator[Path]:
    """The YAML files of a project that may read the variable."""
    for file in _yaml_files(project):
        text = file.read_text(encoding="utf-8", errors="replace")
        if variable in text and _YAML_VAR.search(text):
            yield file


def _yaml_files(project: Path) -> list[Path]:
    skipped = {"target", "logs", ".git"}
    return [
        path
        for pattern in ("*.yml", "*.yaml")
        for path in sorted(project.rglob(pattern))
        if path.name not in {"profiles.yml", "packages.yml"}
        and not skipped & set(path.relative_to(project).parts)
    ]
