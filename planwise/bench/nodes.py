"""A process of its own that finds the nodes of a dbt project, for the arm ``per-model``.

``python -m planwise.bench.nodes JSON`` writes what is built once and what is built in each year,
each in an order in which it can be built, and a profile if there is none.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from planwise.project.dbt_project import DbtProject
from planwise.project.graph import ProjectGraph
from planwise.project.profile import read_profile_name, write_profile
from planwise.values import ModelNode


def main(argument: str) -> None:
    """Write the nodes; the argument is the JSON that planwise/bench/arms.py makes."""
    words = json.loads(argument)
    directory, profiles = Path(words["project"]), Path(words["profiles"])
    database = Path(words["database"])
    if not (profiles / "profiles.yml").is_file():
        profiles.mkdir(parents=True)
        write_profile(profiles / "profiles.yml", read_profile_name(directory), database)
    with DbtProject(directory, Path(words["work"]), database).session() as project:
        graphs = {year: project.graph(year) for year in words["years"]}
    first = graphs[words["years"][0]]
    found = {
        "foundation": _in_order(first.foundation, first),
        "years": {str(year): _in_order(graph.year, graph) for year, graph in graphs.items()},
    }
    Path(words["output"]).write_text(json.dumps(found, indent=1), encoding="utf-8")


def _in_order(nodes: Mapping[str, ModelNode], graph: ProjectGraph) -> list[dict[str, Any]]:
    depends = {key: [d for d in node.depends_on if d in nodes] for key, node in nodes.items()}
    return [
        {"selector": graph.selectors[key], "kind": nodes[key].resource_type}
        for key in TopologicalSorter(depends).static_order()
    ]


if __name__ == "__main__":
    main(sys.argv[1])
