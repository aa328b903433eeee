"""Trackers of this library inside other people's evaluation toolkits; each module needs that toolkit's package."""
