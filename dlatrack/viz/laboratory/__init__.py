"""The laboratory: the labels of two rules on one search region, by hand, in a notebook or in a saved page."""
