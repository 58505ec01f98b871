"""The standard library of prompt functions: `.mp` sources and, beside each, the module compiled from it."""
