"""The microprompt compiler and the `mpc` command."""

__version__ = "0.1.0"
