"""The one tree of errors that planwise raises on purpose.

Everything under :class:`PlanwiseError` is a message for a user: one line that names the cause and
the mend. Anything else that escapes is a bug and is shown as one, with its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable


class PlanwiseError(Exception):
    """Base of all errors meant for a user; its text is one line that names cause and mend.

    Attributes:
        exit_code: what the command line exits with (1: failure, 2: wrong usage).
    """

    exit_code = 1


class UsageError(PlanwiseError):
    """A flag, an argument or their combination is wrong; nothing was started."""

    exit_code = 2


class ConfigError(PlanwiseError):
    """One or more keys of a configuration file are wrong.

    Args:
        problems: one text per problem, each naming file, key and expectation.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class CensusError(PlanwiseError):
    """A census that cannot be read or of which no row can be used."""


class ProjectError(PlanwiseError):
    """A dbt project that cannot be read, parsed or run."""


class LeavesTransactionError(ProjectError):
    """dbt cannot run some nodes inside of a transaction with others; the text is the reason.

    The kernel rolls back and begins the phase again, with dbt on a connection of its own.
    """


class GraphError(ProjectError):
    """A dependency graph with a cycle, or a plan that does not fit its graph."""


class StandardOutputError(PlanwiseError, OSError):
    """Standard output cannot be written: a disk that is full, say.

    An :class:`OSError` too, for who passes over one where what is printed matters little.
    """


class WarehouseError(PlanwiseError):
    """The database cannot be opened, read or written."""


class DatabaseLockedError(WarehouseError):
    """Another process holds the database; the holder is named."""


class AlreadyCompleteError(PlanwiseError):
    """There is nothing to resume: the run is complete. No failure, and nothing was done."""

    exit_code = 0


class CheckpointError(PlanwiseError):
    """A stored state is missing, damaged, or needs a codec that is not there."""


class UnknownCodecError(CheckpointError):
    """A stored state is of a codec that no enabled plugin knows."""


class CheckpointSpaceError(CheckpointError):
    """A state that finds no room: the disk refuses it, or the limit on what is stored does.

    Nothing of it was stored, and whatever was stored before is as it was.
    """


class DependencyError(PlanwiseError):
    """A library that the request needs is not installed or has the wrong version."""


class PluginError(PlanwiseError):
    """A plugin that cannot be loaded or that misbehaved.

    Args:
        message: what happened and how to mend it.
        plugin: the entry-point name of the plugin, which is also its flag.
        distribution: the distribution that installed it, as ``name version``.
        hook: the hook concerned, if it was one.
    """

    def __init__(
        self,
        message: str,
        *,
        plugin: str,
        distribution: str | None = None,
        hook: str | None = None,
    ) -> None:
        self.plugin = plugin
        self.distribution = distribution
        self.hook = hook
        whose = f"plugin '{plugin}'"
        if distribution:
            whose += f" (from {distribution})"
        if hook:
            whose += f", hook '{hook}'"
        super().__init__(f"{whose}: {message}")
