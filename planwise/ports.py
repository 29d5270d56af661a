"""What the pipeline needs of the outside: it names no dbt, no DuckDB, no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from planwise.outputs import YearOutput
from planwise.relay import Relay
from planwise.rendered import CompiledNode
from planwise.results import CheckpointRecord, PhaseRecord
from planwise.stages import Stage
from planwise.values import BatchRequest, BatchResult, ModelNode, SettingValue

if TYPE_CHECKING:
    from planwise.checkpoints.tables import StoredShape, YearTable

Relation = tuple[str, str]
"""(schema, table)."""
Place = tuple[str, str, str]
"""(database, schema, identifier), in lower case."""


class GraphPort(Protocol):
    """The executed nodes of a project for one year."""

    @property
    def foundation(self) -> Mapping[str, ModelNode]:
        """Nodes that run once, by unique id."""

    @property
    def year(self) -> Mapping[str, ModelNode]:
        """Nodes that run in each year, by unique id."""

    @property
    def foundation_stages(self) -> tuple[Stage, ...]:
        """The steps of the foundation."""

    @property
    def year_stages(self) -> tuple[Stage, ...]:
        """The steps of a year."""

    @property
    def state_relations(self) -> tuple[Relation, ...]:
        """Tables that the next year reads back."""

    @property
    def source_schemas(self) -> frozenset[str]:
        """Schemas of the sources that the project reads."""

    @property
    def reads_step(self) -> bool:
        """Whether anything may depend on the year."""

    @property
    def has_run_hooks(self) -> bool:
        """Whether a phase must be one invocation of dbt."""

    @property
    def outputs(self) -> tuple[YearOutput, ...]:
        """Tables that a year leaves behind."""

    @property
    def self_contained(self) -> bool:
        """Whether a year writes nothing but its outputs."""


class ProjectPort(Protocol):
    """A project that is stepped through the years."""

    @property
    def directory(self) -> Path:
        """The project's folder."""

    @property
    def parsed_anew_because(self) -> tuple[str, ...]:
        """Why each year has to be parsed anew; empty when one parse serves all."""

    def graph(self, year: int) -> GraphPort:
        """The graph of a year."""

    @property
    def uncached_because(self) -> str:
        """Why nothing rendered is kept between runs; empty if it is."""

    def prepare(self, year: int, *, first: bool, existing: Mapping[Place, str]) -> None:
        """Start to render the nodes of a year; returns at once."""

    def compiled(self, unique_id: str, year: int, *, full_refresh: bool) -> CompiledNode:
        """A node of a prepared year as dbt renders it; waits for it."""

    def test(self, year: int, nodes: Sequence[str]) -> int:
        """Let dbt run the tests of nodes; gives how many passed."""

    def leaves_transaction(self, request: BatchRequest) -> str:
        """Why a batch cannot be run in the open transaction; empty if it can."""

    def execute(self, request: BatchRequest, cursor: Any = None) -> BatchResult:
        """Run a batch the default way: on a cursor that is lent, or, with None, on its own."""


class BesidePort(Protocol):
    """A second connection to the database of a run."""

    def hold(self) -> None:
        """Let :meth:`table` read what is committed now, whatever is committed later."""

    def release(self) -> None:
        """End that."""

    def table(self, output: YearOutput, year: int, *, earlier: StoredShape | None) -> YearTable:
        """What a year leaves of a table; its own rows alone, if all else is as it was earlier."""

    def digest(self, output: YearOutput, year: int) -> str:
        """The digest of what a year leaves of a table."""

    def record_digests(self, year: int, digests: Mapping[str, str]) -> None:
        """Add the digests of a finished year to the record of the run."""

    def checkpoint(self) -> bool:
        """Write what is committed into the file while others work; False if they write to it."""

    def interrupt(self) -> None:
        """Stop what runs in another thread."""


class WarehousePort(Protocol):
    """The database of a run.

    Attributes:
        rolled_back: whether a transaction was rolled back since somebody last said that none was.
    """

    rolled_back: bool

    def open(self, settings: Mapping[str, SettingValue]) -> None:
        """Open the database with these settings."""

    def apply(self, settings: Mapping[str, SettingValue]) -> None:
        """Change settings of the open database."""

    def lend_reader(self) -> AbstractContextManager[Any]:
        """Lend a cursor that reads what is committed."""

    def in_transaction(self, action: Callable[[Any], Any]) -> Any:
        """Call a function with the cursor of the open transaction; begin one if there is none."""

    def lend_transaction(self) -> AbstractContextManager[Any]:
        """Lend the cursor of the open transaction to one other thread; begin one if need be."""

    def run_script(self, file: Path, values: Mapping[str, SettingValue]) -> None:
        """Execute a file of SQL in the open transaction, with bound values."""

    def meddling(self) -> str:
        """What somebody who was lent a cursor did that only the kernel may; empty if nothing."""

    def settings_may_change(self) -> None:
        """Somebody who may change settings is about to run."""

    def commit(self) -> None:
        """End the open transaction, if there is one."""

    def commit_phase(self, year: int | None) -> None:
        """End the transaction of a year, or of the foundation, and record that it is finished."""

    def drop_tables(self, relations: Sequence[Relation]) -> None:
        """Drop those of the relations that are tables."""

    def existing(self) -> dict[Place, str]:
        """What is committed in the database: ``table`` or ``view``."""

    def row_counts(self, relations: Sequence[Relation]) -> dict[Relation, int]:
        """Rows of the tables among the relations."""

    @property
    def beside(self) -> BesidePort:
        """What is done with a committed year while the next one runs."""


class CheckpointPort(Protocol):
    """Where the state of finished years is kept."""

    def parent_of(self, year: int) -> int | None:
        """The year that a year can be stored against; None where it has to be stored whole."""

    def shapes(self, year: int) -> Mapping[Relation, StoredShape]:
        """Rows and columns of each table as a year was stored."""

    def write(
        self,
        year: int,
        tables: Iterable[YearTable],
        relay: Relay,
        *,
        parent: int | None = None,
        origin: Mapping[str, str] = ...,
    ) -> CheckpointRecord:
        """Compress, verify and store the state of a year."""


class ProgressPort(Protocol):
    """A record outside of the database of what is finished."""

    @property
    def origin(self) -> Mapping[str, str]:
        """What the run is made from, in short."""

    def year_finished(self, year: int, digests: Mapping[str, str]) -> None:
        """Write down, synced, that a year is in the database."""


class Observer(Protocol):
    """Who watches a run: the terminal, or nobody."""

    def phase_started(self, name: str, year: int | None, models: int) -> None:
        """A phase begins; so many models will run."""

    def models_finished(self, count: int) -> None:
        """So many more models of the phase are done."""

    def phase_finished(self, record: PhaseRecord) -> None:
        """A phase is done."""

    def note(self, text: str) -> None:
        """Something worth a line."""
