"""Freed memory stays in the process where the allocator allows it."""

from __future__ import annotations

import subprocess
import sys

from dlatrack import memory

#: The tests' own stands in for it while they run, see `freed_memory_goes_back`.
REAL_MALLOPT = memory.mallopt

# In a process of its own, since the settings hold until its end.
CODE = """
import ctypes, sys
import torch
from dlatrack.memory import reuse_freed_memory
x = torch.randn(64, 1000, generator=torch.Generator().manual_seed(0))
before = x @ x.T
assert reuse_freed_memory() == (sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"))
assert torch.equal(x @ x.T, before), "results do not change"
"""


def test_the_allocator_takes_the_settings_and_results_do_not_change():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_is_asked_for_by_hand(monkeypatch):
    """M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD: large blocks get no mapping of their own, nothing is trimmed."""
    asked = {}

    def note(name: int, value: int) -> int:
        asked[name] = value
        return 1

    monkeypatch.setattr(memory, "mallopt", note)
    assert memory.reuse_freed_memory()
    assert asked == {-4: 0, -1: 2**31 - 1, -2: 2**26}
    monkeypatch.setattr(memory, "mallopt", lambda name, value: int(name != -2))
    assert not memory.reuse_freed_memory(), "one setting was not taken"


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert REAL_MALLOPT(-4, 0) == 0
