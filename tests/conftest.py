"""For all tests: properties are never judged by the clock of a busy machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("planwise", deadline=None)
settings.load_profile("planwise")
