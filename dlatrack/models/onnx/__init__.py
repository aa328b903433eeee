"""Trackers as ONNX graphs: export, description, and a network that runs them."""
