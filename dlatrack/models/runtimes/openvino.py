"""Exported graphs run by OpenVINO."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dlatrack.errors import InputError
from dlatrack.memory import check_memory
from dlatrack.models.inference.cpu_convolution import has_native_bfloat16
from dlatrack.models.onnx.network import Graph, GraphNet, require_packages


class OpenVinoNet(GraphNet):
    """Exported graphs run by OpenVINO on the CPU, with as many threads as torch has when they are loaded.

    OpenVINO has threads of its own beside those of torch. They are as many, compute one region at a time and sleep in
    between, so that a torch network in the same process keeps its speed; and they are not pinned to cores, as those
    of several processes would be pinned to the same ones. Several threads may use one object: each has its own
    request.

    Args:
        template_file: graph of the template crop, always computed in float32.
        search_file: graph of search crops.
        bfloat16: compute search regions in bfloat16 where the CPU multiplies it natively, else in float32.

    Raises:
        InputError: without OpenVINO, or when it cannot read a file.
    """

    def __init__(self, template_file: str | Path, search_file: str | Path, *, bfloat16: bool = False) -> None:
        require_packages(("openvino",), "runtime openvino", "openvino")
        bfloat16 = bfloat16 and has_native_bfloat16()
        super().__init__(
            _compiled(template_file, "f32"), _compiled(search_file, "bf16" if bfloat16 else "f32")
        )


def _compiled(file: str | Path, precision: str) -> Graph:
    import openvino

    settings: dict[str, Any] = {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": precision,
        "ENABLE_CPU_PINNING": False,
    }
    try:
        model = openvino.Core().compile_model(str(file), "CPU", settings)
    except RuntimeError as error:
        check_memory(error, f"loading {file}")
        raise InputError(f"OpenVINO cannot read {file}: {error}") from error
    own = threading.local()

    def run(inputs: list[np.ndarray]) -> list[np.ndarray]:
        if not hasattr(own, "request"):
            own.request = model.create_infer_request()
        answers = own.request.infer(inputs, share_inputs=True)
        return [answers[output] for output in model.outputs]

    return Graph(run, [output.any_name for output in model.outputs])
