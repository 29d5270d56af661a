"""The JSON Schema of the results, made from the types that what writes them is held to."""

from __future__ import annotations

from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, with_config

from planwise.reporting.results_types import ResultsDict

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def results_schema() -> dict[str, Any]:
    """The schema of a file that ``planwise simulate --output`` writes.

    It takes keys that it does not know: new ones may come at any time.
    """
    described = with_config(ConfigDict(use_attribute_docstrings=True))(ResultsDict)
    made = TypeAdapter(described).json_schema()
    return {"$schema": _DIALECT, **made, "title": "planwise results"}
