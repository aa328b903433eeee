"""Weights that official parity data are computed with; anyone can make them again from their names."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor


def fill(name: str, shape: list[int]) -> Tensor:
    """The reproducible weight of one official name, as the parity data describes it."""
    if name.endswith("num_batches_tracked"):
        return torch.zeros(shape, dtype=torch.int64)
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(shape).astype(np.float32)
    if name.endswith("running_var"):
        filled = 0.5 + np.abs(noise)
    elif name.endswith("running_mean"):
        filled = 0.1 * noise
    elif len(shape) >= 2:
        filled = noise * np.float32(np.sqrt(1 / np.prod(shape[1:])))
    elif name.endswith(".weight"):
        filled = 1 + 0.1 * noise
    else:
        filled = 0.1 * noise
    return torch.from_numpy(np.asarray(filled, np.float32))
