"""The microprompt compiler and the `mpc` command."""

from importlib.metadata import version

__version__ = version("microprompt")
