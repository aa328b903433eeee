"""Runtimes that compute a tracker's network: torch itself, or its exported graphs in onnxruntime or OpenVINO."""

from dlatrack.models.runtimes.load import RUNTIMES, check_runtime, identify, load_for, weights_behind

__all__ = ["RUNTIMES", "check_runtime", "identify", "load_for", "weights_behind"]
