"""The laboratory: the labels of two rules on one search region, by hand, in a notebook or in a saved page."""

from __future__ import annotations

from dlatrack.viz.laboratory.page import write_page

__all__ = ["write_page"]
