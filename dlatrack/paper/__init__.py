"""The tables and figures of the paper, and the numbers it prints."""
