"""Run trackers: frame by frame, over sequences, over benchmarks."""
