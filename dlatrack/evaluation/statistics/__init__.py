"""Whether a difference between trackers is noise: resampling, seeds, power."""
