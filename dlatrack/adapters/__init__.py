"""Trackers of this library in other evaluation toolkits, and OpenCV's trackers; each module needs that package."""
