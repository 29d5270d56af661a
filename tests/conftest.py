"""For all tests: no deadlines on a busy machine, and folders of their own."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile
from importlib.metadata import entry_points

from hypothesis import settings

KIT = "planwise.testing.pytest_plugin"
# An installed planwise registers it by its entry point, and pytest takes nothing twice.
if KIT not in {point.value for point in entry_points(group="pytest11")}:
    pytest_plugins = [KIT]

settings.register_profile("planwise", deadline=None)
settings.load_profile("planwise")

# What one run rendered serves the others, and nothing of it reaches the user's own cache; nor does
# a baseline of the user's own reach a test.
for variable in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
    os.environ[variable] = tempfile.mkdtemp(prefix="planwise-test-")
    atexit.register(shutil.rmtree, os.environ[variable], ignore_errors=True)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background with Ctrl-C ignored, and every process below
    # inherits that; the tests that press Ctrl-C need it back.
    signal.signal(signal.SIGINT, signal.default_int_handler)
