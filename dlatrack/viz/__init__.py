"""Figures for Matplotlib, and widgets for notebooks.

Functions that return one figure give it double column width, 183 mm, unless they say otherwise, and draw it in the
style of `style.figure_style`; `save.save_figure` saves it with its numbers.
"""
