"""Result files of trackers: finding, reading and writing them in official forms. Nothing is repaired."""

from dlatrack.evaluation.results.names import find_results
from dlatrack.evaluation.results.text import read_result_boxes, read_result_rows, write_boxes

__all__ = ["find_results", "read_result_boxes", "read_result_rows", "write_boxes"]
