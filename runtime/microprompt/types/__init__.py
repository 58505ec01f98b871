"""Return and argument types."""
