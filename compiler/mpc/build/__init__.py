"""Files to modules: what is read, in which order it is compiled, where its Python goes."""
