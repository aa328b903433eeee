"""Faster computation of trained and frozen networks on a CPU; `dlatrack bench cpu` measures the gain."""
