"""One reader per data set, all yielding `Sequence`."""
