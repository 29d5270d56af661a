"""What every section of a configuration file has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A section: unknown keys are errors, and one without keys has its defaults."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _empty(cls, value: object) -> object:
        # `workforce:` with every key commented out is nothing in YAML, and means the defaults.
        return {} if value is None else value
