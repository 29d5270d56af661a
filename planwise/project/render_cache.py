"""Graphs and rendered nodes on disk, by the key of everything that they depend on.

One file a step, as JSON, with a checksum: a file that is damaged, or that another version wrote, is
as good as none. Nothing here is ever executed without having been written for the same key.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from planwise.errors import WarehouseError
from planwise.outputs import YearOutput
from planwise.project.graph import ProjectGraph
from planwise.rendered import CompiledNode, RelationRead
from planwise.run_files import write_atomically
from planwise.stages import Stage
from planwise.values import ModelNode

_KEYS_KEPT: Final = 24
"""How many projects, or states of one, keep their files; the ones used last."""


@frozen
class StoredStep:
    """What is known of one step of a project without asking dbt.

    Attributes:
        graph: the executed nodes.
        compiled: the nodes as dbt renders them, by :func:`node_name`.
        parsed_anew_because: what the year decides when the project is parsed.
    """

    graph: ProjectGraph
    compiled: Mapping[str, CompiledNode]
    parsed_anew_because: tuple[str, ...]


def step_name(year: int, first: bool) -> str:
    """What a step is stored as: the first year has the foundation too."""
    return f"{year}-first" if first else str(year)


def node_name(unique_id: str, anew: bool) -> str:
    """What a node is stored as: it may be rendered for incremental models to start anew, too."""
    return f"anew {unique_id}" if anew else unique_id


class RenderCache:
    """A folder of stored steps.

    Args:
        folder: made if it is missing, readable by its owner alone: what is in it will be executed.
        key: everything that the steps depend on.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._root = folder
        self._folder = folder / key

    def load(self, step: str) -> StoredStep | None:
        """A stored step, or None: nothing is there, or nothing that can be trusted."""
        try:
            content = (self._folder / f"{step}.json").read_bytes()
        except OSError:
            return None
        checksum, _, body = content.partition(b"\n")
        if checksum.decode("ascii", "replace") != hashlib.sha256(body).hexdigest():
            return None
        try:
            found = _step_from(json.loads(body))
            os.utime(self._folder)
        except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError):
            return None
        return found

    def store(self, step: str, content: StoredStep) -> bool:
        """Write a step; gives False where the folder cannot be written, which costs only time."""
        body = json.dumps(attrs.asdict(content, value_serializer=_plain), sort_keys=True).encode()
        data = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomically(self._folder / f"{step}.json", lambda file: file.write_bytes(data))
            self._prune()
        except (OSError, WarehouseError):
            return False
        return True

    def _prune(self) -> None:
        kept = sorted(self._root.iterdir(), key=lambda each: each.stat().st_mtime, reverse=True)
        for old in kept[_KEYS_KEPT:]:
            shutil.rmtree(old, ignore_errors=True)


def _plain(_: Any, __: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(None, None, each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    return str(value) if isinstance(value, Path) else value


def _step_from(data: Any) -> StoredStep:
    graph = data["graph"]
    return StoredStep(
        graph=ProjectGraph(
            foundation={key: _node(each) for key, each in graph["foundation"].items()},
            year={key: _node(each) for key, each in graph["year"].items()},
            selectors=graph["selectors"],
            state_relations=tuple((s, t) for s, t in graph["state_relations"]),
            source_schemas=frozenset(graph["source_schemas"]),
            has_run_hooks=graph["has_run_hooks"],
            foundation_stages=tuple(map(_stage, graph["foundation_stages"])),
            year_stages=tuple(map(_stage, graph["year_stages"])),
            reads_step=graph["reads_step"],
            outputs=tuple(
                YearOutput(tuple(each["relation"]), each["by_year"]) for each in graph["outputs"]
            ),
            self_contained=graph["self_contained"],
        ),
        compiled={key: _compiled(each) for key, each in data["compiled"].items()},
        parsed_anew_because=tuple(data["parsed_anew_because"]),
    )


def _node(data: Any) -> ModelNode:
    for name in ("depends_on", "relation", "tags"):
        data[name] = tuple(data[name])
    return ModelNode(**data)


def _stage(data: Any) -> Stage:
    for name in ("select", "nodes"):
        data[name] = tuple(data[name])
    data["sql"] = None if data["sql"] is None else Path(data["sql"])
    return Stage(**data)


def _compiled(data: Any) -> CompiledNode:
    data["relation"] = tuple(data["relation"])
    data["obstacles"] = tuple(data["obstacles"])
    data["reads"] = tuple(
        RelationRead(tuple(each["relation"]), each["found"]) for each in data["reads"]
    )
    return CompiledNode(**data)
