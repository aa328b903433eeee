"""Measured speed: medians and spreads of repeated runs, beside a plain reference timed in the same run."""
