"""llama.cpp as a backend, and as an Outlines model."""
