"""The `mpc` command."""
