"""What a year leaves behind in the database."""

from __future__ import annotations

from attrs import frozen


@frozen
class YearOutput:
    """A table that the nodes of a year fill and that outlives the year.

    Attributes:
        relation: schema and identifier.
        by_year: whether a year only replaces rows of its own, those in whose column of the step
            variable the year stands; rows of earlier years stay as they are.
    """

    relation: tuple[str, str]
    by_year: bool = False
