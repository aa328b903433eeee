"""Colours with fixed meanings: those of Okabe and Ito, which people with any kind of colour vision distinguish."""

from __future__ import annotations

BLACK, DARK, GREY = "#000000", "#202020", "#6e6e6e"
ORANGE, SKY, GREEN, YELLOW = "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, VERMILLION, PURPLE = "#0072B2", "#D55E00", "#CC79A7"

#: What a colour means on a search region or a frame.
TARGET, POSITIVE_COLOUR, NEGATIVE_COLOUR, IGNORED_COLOUR, CANDIDATE = (
    YELLOW,
    GREEN,
    VERMILLION,
    "#e8e8e8",
    SKY,
)

#: What a colour means in a comparison: dynamic label assignment against the fixed rule of the same tracker.
DLA, FIXED = VERMILLION, BLUE
