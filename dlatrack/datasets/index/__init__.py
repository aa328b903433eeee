"""Which frames, tracks and boxes a data set has, as columns that take few bytes for each."""
