"""Before a call runs: the order of its text, its tokens, the plan of its answer."""
