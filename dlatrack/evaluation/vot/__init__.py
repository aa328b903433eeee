"""The reset-based protocol of VOT: regions, overlaps, fragments, accuracy, robustness and EAO."""
