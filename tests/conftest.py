"""For all tests: properties are never judged by the clock of a busy machine."""

from __future__ import annotations

import signal

from hypothesis import settings

settings.register_profile("planwise", deadline=None)
settings.load_profile("planwise")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background with Ctrl-C ignored, and every process below
    # inherits that; the tests that press Ctrl-C need it back.
    signal.signal(signal.SIGINT, signal.default_int_handler)
