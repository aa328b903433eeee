"""Packs: training crops cut once and kept in tar files."""
