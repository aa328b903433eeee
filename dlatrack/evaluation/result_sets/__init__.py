"""Public result files of trackers: where they are, fetching them, and the scores that they must have."""
