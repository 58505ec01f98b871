"""Deciding: which evidence answers a choice, how it is gathered, and what becomes of an answer that is not
sure enough."""
