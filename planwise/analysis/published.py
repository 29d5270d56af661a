"""The tables that leave a result, and the form of their columns outside of it.

Only the tables listed here are ever exported; the census as it was read (schema ``inputs``), the
tables in between and the defaults are not. Amounts leave as decimals of the currency unit, rates
as decimal fractions; the marks ``_cents`` and ``_e5`` leave the names with that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

from attrs import frozen

from planwise.analysis.figures import column_name
from planwise.analysis.result_database import ResultDatabase
from planwise.census.fields import FIELDS
from planwise.census.headers import squeezed
from planwise.errors import WarehouseError
from planwise.warehouse.digests import quoted

Form = Literal["money", "rate", "number", "text", "date", "flag"]

PUBLISHED_TABLES: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "fct_yearly_events": (
            *("simulation_year", "employee_id", "effective_date"),
            *("event_sequence", "event_id"),
        ),
        "fct_workforce_snapshot": ("simulation_year", "employee_id"),
        "fct_plan_cost": ("simulation_year",),
        "fct_compensation_growth": ("simulation_year",),
        "fct_headcount": ("simulation_year",),
        "fct_headcount_by_level": ("simulation_year", "level"),
        "dim_scenario": (),
    }
)
"""The published tables, and what their rows are sorted by after scenario and replicate."""

_SSN_NAMES: Final = frozenset(
    squeezed(name)
    for field in FIELDS
    if field.name == "ssn"
    for name in (field.name, *field.aliases)
)
# Shares of one whole; other rates may exceed 99.99999 and get more digits before the point.
_NARROW_RATES: Final = frozenset(
    {"deferral_rate", "rate_before", "rate_after", "roth_rate", "match_vested", "core_vested"}
    | {"participation_rate", "average_deferral"}
)
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})


@frozen
class ExportColumn:
    """A column of a published table outside of the database.

    Attributes:
        name: its name there.
        form: what it holds.
        expression: SQL that makes it.
    """

    name: str
    form: Form
    expression: str


@frozen
class ExportTable:
    """A published table outside of the database.

    Attributes:
        name: its name.
        columns: its columns, in order.
        order: the columns of the database that its rows are sorted by.
    """

    name: str
    columns: Sequence[ExportColumn]
    order: Sequence[str]

    @property
    def has_years(self) -> bool:
        """Whether its rows belong to years."""
        return "simulation_year" in self.order

    def select(
        self, scenarios: Sequence[str], replicates: Sequence[int], years: Sequence[int]
    ) -> tuple[str, list[Any]]:
        """The query for its rows, sorted, and the values to bind.

        Args:
            scenarios, replicates, years: what to keep; everything if empty.
        """
        columns = ", ".join(f"{each.expression} as {quoted(each.name)}" for each in self.columns)
        where, values = self.condition(scenarios, replicates, years)
        order = ", ".join(f"t.{quoted(name)}" for name in self.order)
        table = f"main.{quoted(self.name)} as t"
        return f"select {columns} from {table}{where} order by {order}", values  # noqa: S608  # quoted

    def condition(
        self, scenarios: Sequence[str], replicates: Sequence[int], years: Sequence[int]
    ) -> tuple[str, list[Any]]:
        """The condition of :meth:`select`, and the values to bind."""
        wanted: list[tuple[str, Sequence[Any]]] = [
            ("scenario_id", scenarios),
            ("replicate_id", replicates),
            ("simulation_year", years if self.has_years else ()),
        ]
        conditions = [
            f"{column} in ({', '.join('?' * len(values))})" for column, values in wanted if values
        ]
        where = f" where {' and '.join(conditions)}" if conditions else ""
        return where, [value for _, values in wanted for value in values]


def export_table(result: ResultDatabase, name: str) -> ExportTable:
    """How a published table leaves a result.

    Args:
        result: the database.
        name: one of :data:`PUBLISHED_TABLES`.

    Raises:
        WarehouseError: the result lacks it, or it has a column of social security numbers.
    """
    order = ("scenario_id", "replicate_id", *PUBLISHED_TABLES[name])
    result.require(name, order)
    columns = [_column(column, kind) for column, kind in result.columns[name].items()]
    for column in columns:
        refuse_ssn(result, name, column.name)
    return ExportTable(name, columns, order)


def refuse_ssn(result: ResultDatabase, table: str, column: str) -> None:
    """Refuse a column that goes by the name of a social security number.

    Raises:
        WarehouseError: it does.
    """
    if squeezed(column) in _SSN_NAMES:
        raise WarehouseError(
            f"{result.path}: {table}.{column} has the name of a social security number, which is "
            "never exported; planwise publishes no such column: simulate again"
        )


def _column(column: str, kind: str) -> ExportColumn:
    name = column_name(column)
    integer = kind in _INTEGERS
    if integer and column.endswith("_cents"):
        return ExportColumn(name, "money", _scaled(column, 2, "decimal(18, 2)"))
    if integer and column.endswith("_e5"):
        digits = "decimal(7, 5)" if name in _NARROW_RATES else "decimal(18, 5)"
        return ExportColumn(name, "rate", _scaled(column, 5, digits))
    forms: Mapping[str, Form] = {"DATE": "date", "BOOLEAN": "flag", "VARCHAR": "text"}
    number = integer or kind.startswith("DECIMAL")
    return ExportColumn(column, forms.get(kind, "number" if number else "text"), quoted(column))


def _scaled(column: str, places: int, decimal: str) -> str:
    """Multiplied, not divided: a quotient of decimals would be a DOUBLE."""
    unit = f"cast({'0.' + '0' * (places - 1) + '1'} as decimal({places}, {places}))"
    return f"cast(cast({quoted(column)} as decimal(19, 0)) * {unit} as {decimal})"
