"""Tuning of the online hyper-parameters of a tracker on a validation split."""
