"""The kit for authors of plugins: fixtures for pytest, and what every hook has to hold.

Installed with ``pip install 'planwise[testing]'``, and then known to pytest by itself. The tests
of a plugin are a class for each of its hooks, which names the plugin::

    from planwise.testing import contracts


    class TestPlanBatches(contracts.PlanBatches):
        plugin = "my-batcher"

The built-in plugins are held to the same classes. Nothing is imported here, since pytest loads
this package at every start.
"""
