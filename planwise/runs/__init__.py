"""Runs that are gone on with: what a run is made from, how far it is, where it starts."""
