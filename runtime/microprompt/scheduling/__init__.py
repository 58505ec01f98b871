"""Many calls on one model: prefixes kept in its KV cache, and batches that calls share."""
