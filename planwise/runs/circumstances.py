"""What a run runs with, for its record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from planwise.machine import this_machine
from planwise.plugins import implemented_hooks
from planwise.relay import Relay
from planwise.run_record import Circumstances, PluginAccount
from planwise.versions import installed_versions

if TYPE_CHECKING:
    from planwise.inputs import InputsSummary


def circumstances(
    relay: Relay,
    toggles: Mapping[str, bool],
    inputs: InputsSummary | None,
    pool_size: int,
    project: Path,
) -> Circumstances:
    """Say what a run ran with.

    Args:
        relay: the plugins that were on.
        toggles: every installed plugin, on or off.
        inputs: what was loaded; None for a project that reads no inputs.
        pool_size: how many models might run at once.
        project: the folder of the dbt project.
    """
    machine = this_machine(Path("/"))  # cores and memory are the same from everywhere
    loaded = {each.name: each for each in relay.plugins}
    plugins = [
        PluginAccount(
            name,
            enabled,
            loaded[name].installed.distribution if name in loaded else "",
            implemented_hooks(loaded[name].instance) if name in loaded else (),
        )
        for name, enabled in toggles.items()
    ]
    census = None
    if inputs is not None:
        summary = inputs.census.to_dict().items()
        census = {key: value for key, value in summary if key != "examples"}  # of single people
    return Circumstances(
        pool_size=pool_size,
        cores=machine.cores,
        memory_total_bytes=machine.memory_total_bytes,
        versions=installed_versions(),
        plugins=tuple(plugins),
        census=census,
        synthetic_census=None if inputs is None else inputs.synthetic,
        project=str(project.resolve()),
        scenarios=0 if inputs is None else len(inputs.scenarios),
    )
