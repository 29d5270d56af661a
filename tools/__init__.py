"""Tools for developers: what is generated, and checked. Not part of the installed package."""
