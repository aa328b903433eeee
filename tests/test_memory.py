"""Freed memory stays in the process where the allocator allows it."""

from __future__ import annotations

import ctypes
import sys

import torch

from dlatrack.memory import reuse_freed_memory


def test_results_do_not_change():
    x = torch.randn(64, 1000, generator=torch.Generator().manual_seed(0))
    before = x @ x.T
    assert reuse_freed_memory() == (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"))
    assert torch.equal(x @ x.T, before)


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not reuse_freed_memory()
