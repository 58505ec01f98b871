"""Flows: programs made of prompts, other flows and functions of Python."""
