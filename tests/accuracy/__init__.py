"""How right the standard library's decisions are, on other people's rows, and beside other methods."""
