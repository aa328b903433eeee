"""torchvision can be imported in every environment."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]


def in_fresh_python(program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout


def test_pure_python_parts_work_in_a_fresh_process() -> None:
    program = (
        "import torch\n"
        "from dlatrack.models.torchvision_ops import torchvision\n"
        "import dlatrack.models.torchvision_ops as door\n"
        "from torchvision.transforms.v2 import functional\n"
        "boxes = torch.tensor([[0., 0., 2., 2.]])\n"
        "print(torchvision.ops.box_iou(boxes, boxes).item(), hasattr(torch.ops.torchvision, 'nms'))\n"
    )
    assert in_fresh_python(program).split() == ["1.0", "True"]


def test_nothing_is_declared_when_torchvision_is_already_there() -> None:
    from dlatrack.models import torchvision_ops

    assert torchvision_ops.torchvision is sys.modules["torchvision"]
    assert torchvision_ops._declare_operators() is None
    assert hasattr(torch.ops.torchvision, "nms")
