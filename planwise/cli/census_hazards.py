"""``planwise census hazards``: termination hazards from two censuses, as a scenario."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from planwise.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from planwise.census import CensusOptions
    from planwise.census.hazards import Hazards, Line
    from planwise.scenarios import AgeBand, TenureBand

_DESCRIPTION: Final = """\
Fit who leaves, by age and tenure, to two censuses of one employer: people of the first who are
not in the second (or are terminated there) have left. Prints people, exposure, leavers and rates
by band and by pair of bands, says where there are too few leavers to tell, and writes the rates
and multipliers as a scenario file. docs/hazards.md explains the figures."""

_EXAMPLES: Final = """\
examples:
  planwise census hazards --from 2023.csv --from-date 2023-12-31 --to 2024.csv --to-date 2024-12-31
  ... --output config/scenarios/fitted.yaml    then: planwise simulate --scenario fitted
  planwise census hazards --from all.csv --from-date 2023-12-31 --to all.csv --to-date 2024-12-31
                                               one file of all people with termination dates"""

_SCENARIO_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def add_parser(commands: Any) -> None:
    """Add the parser of ``planwise census hazards``."""
    from planwise.cli.parser import parse_date

    parser = commands.add_parser(
        "hazards",
        help="fit termination hazards to two censuses",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    for word, which in (("from", "earlier"), ("to", "later")):
        parser.add_argument(
            f"--{word}",
            dest=f"{word}_file",
            type=Path,
            required=True,
            metavar="FILE",
            help=f"the {which} census: CSV, Parquet or Excel",
        )
        parser.add_argument(
            f"--{word}-date",
            type=parse_date,
            required=True,
            metavar="YYYY-MM-DD",
            help="the day that it describes; asked for, since exposure hangs on it",
        )
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="for its bands, promotion multipliers and census.columns, which hold for both files "
        "(default: config/simulation_config.yaml if it is there)",
    )
    parser.add_argument(
        "--dbt-project",
        type=Path,
        metavar="DIR",
        help="for the default bands (default: ./dbt, else what comes with planwise)",
    )
    parser.add_argument(
        "--full-credibility",
        type=_leavers,
        default=1082,
        metavar="N",
        help="leavers from which on a rate is believed wholly; fewer are drawn towards the rate of "
        "all (default: 1082, within 5 %% in 9 of 10 cases; 271 for 10 %%; 1 believes everything)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="NAME.yaml",
        help="write a scenario file; beside the others, in config/scenarios, it can be simulated",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--verbose", action="store_true", help="show tracebacks of errors")


def run(options: argparse.Namespace) -> int:
    """Fit, print, and write the scenario file if one is asked for.

    Raises:
        PlanwiseError: a file or the configuration cannot be used, or the two censuses do not
            allow a fit.
    """
    from planwise.census.hazards import fit_hazards
    from planwise.census.hazards_file import scenario_text
    from planwise.census.output import atomic_output
    from planwise.interruption import call_interruptibly
    from planwise.warehouse.opening import connect

    _check_output(options.output)
    first, second, age_bands, tenure_bands = _settled(options)
    with ExitStack() as stack:
        # Opened first: that there is no place for it is known before the work, not after.
        file = (
            stack.enter_context(atomic_output(options.output, overwrite=options.force))
            if options.output is not None
            else None
        )
        with connect(Path(":memory:")) as connection:
            hazards = call_interruptibly(
                lambda: fit_hazards(
                    connection, first, second, age_bands, tenure_bands, options.full_credibility
                ),
                connection.interrupt,
            )
        if file is not None:
            file.write(scenario_text(hazards).encode())
    if options.json:
        _write(json.dumps({**hazards.to_dict(), "output": _text(options.output)}, indent=2))
        return 0
    from planwise.reporting.terminal import make_console

    console = make_console(sys.stdout)
    _print(console, hazards)
    if options.output is not None:
        console.print(f"\nscenario     {options.output}")
        console.print(f"             {_next_step(options.output)}")
    return 0


def _leavers(text: str) -> int:
    value = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    if not value:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got '{text}'")
    return value


def _settled(
    options: argparse.Namespace,
) -> tuple[CensusOptions, CensusOptions, Sequence[AgeBand], Sequence[TenureBand]]:
    """How to read both files, and the bands in force."""
    from planwise.census import CensusOptions
    from planwise.cli.settled import settled_config, settled_project
    from planwise.scenarios import AgeBand, TenureBand
    from planwise.scenarios.defaults import read_default_bands

    config = settled_config(options)
    first, second = (
        CensusOptions(
            path=path,
            census_date=date,
            columns=config.census.columns,
            deferral_unit=config.census.deferral_unit,
            pay_floor=config.census.pay_floor,
        )
        for path, date in (
            (options.from_file, options.from_date),
            (options.to_file, options.to_date),
        )
    )
    age_bands, tenure_bands = read_default_bands(settled_project(options))
    if config.workforce.age_bands is not None:
        age_bands = tuple(AgeBand(**dict(row)) for row in config.workforce.age_bands)
    if config.workforce.tenure_bands is not None:
        tenure_bands = tuple(TenureBand(**dict(row)) for row in config.workforce.tenure_bands)
    return first, second, age_bands, tenure_bands


def _check_output(output: Path | None) -> None:
    if output is None:
        return
    if output.suffix != ".yaml" or not _SCENARIO_NAME.fullmatch(output.stem):
        raise UsageError(
            f"--output {output}: expected NAME.yaml, where NAME is that of a scenario: 1 to 64 "
            "characters of a-z, 0-9, _ and -, starting with a letter or digit"
        )


def _next_step(output: Path) -> str:
    if output.resolve().parent.name == "scenarios":
        return f"simulate with it: planwise simulate --scenario {output.stem} ..."
    return (
        "to simulate with it, put it into config/scenarios and give "
        f"--scenario {output.stem} to planwise simulate"
    )


def _print(console: Console, hazards: Hazards) -> None:
    from planwise.census.hazards_fit import THIN_CREDIBILITY

    for census in (hazards.study.first, hazards.study.second):
        for line in census.lines():
            console.print(line)
    console.print()
    for note in hazards.notes:
        console.print(f"note: {note}")
    _print_table(console, "Groups", hazards.totals(), ("group",))
    _print_table(console, "Age on the first date", hazards.by_age(), ("age",))
    _print_table(console, "Tenure on the first date", hazards.by_tenure(), ("tenure",))
    cells = hazards.by_cell()
    peopled = [line for line in cells if line.observed.people]
    _print_table(console, "Cells", peopled, ("age", "tenure"))
    thin = sum(line.observed.thin for line in peopled)
    console.print(f"\n{len(cells)} cells: {thin} thin, {len(cells) - len(peopled)} without people")
    console.print(
        "rate: leavers for each person-year. Z: credibility, 1 from "
        f"{hazards.fit.full_credibility:,} leavers. "
        f"weighted: Z * rate + (1 - Z) * rate of all."
    )
    console.print(
        "fitted: by the model, which multiplies the factors of both bands. thin: Z below "
        f"{THIN_CREDIBILITY}."
    )
    console.print("\nparameters of the scenario")
    for name, value in hazards.parameters.items():
        console.print(f"  {name:<28} {value:f}")


def _print_table(
    console: Console, title: str, lines: Sequence[Line], headings: Sequence[str]
) -> None:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    with_multipliers = any(line.multiplier is not None for line in lines)
    columns = ["people", "person-years", "leavers", "rate", "Z", "weighted", "fitted"]
    for heading in (*columns, *(["raw mult.", "multiplier"] if with_multipliers else [])):
        table.add_column(heading, justify="right")
    table.add_column("")
    for line in lines:
        seen = line.observed
        row = [
            *line.labels,
            *(f"{seen.people:,}", f"{seen.person_years:,.1f}", f"{seen.leavers:,}"),
            *(_decimals(value) for value in (seen.rate, seen.credibility, seen.weighted)),
            _decimals(seen.fitted),
        ]
        if with_multipliers:
            row += [_decimals(line.raw_multiplier), _decimals(line.multiplier)]
        table.add_row(*row, "thin" if seen.people and seen.thin else "")
    console.print()
    console.print(table)


def _decimals(value: Decimal | None) -> str:
    return "" if value is None else f"{value:.5f}"


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
