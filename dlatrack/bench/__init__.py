"""Measured speed: medians and spreads of repetitions, with a plain reference timed in the same run."""
