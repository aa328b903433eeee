"""Processes of a distributed run: their ranks, and what they exchange."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from dlatrack.errors import InputError
from dlatrack.files import owned_folder


@dataclass(frozen=True)
class Ranks:
    """The processes of a run."""

    rank: int = 0  #: number of this process, from 0; rank 0 writes files and shows progress
    world: int = 1  #: number of processes

    @property
    def first(self) -> bool:
        """Whether this is rank 0, which writes files and shows progress."""
        return self.rank == 0

    def wrap(self, net: nn.Module) -> nn.Module:
        """The network as it is called in training: with several processes their gradients are averaged.

        Call it again when other parameters begin to train.
        """
        if self.world == 1:
            return net
        device = next(net.parameters()).device
        chosen = [device.index or 0] if device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=chosen)

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Sum of a tensor over all processes."""
        if self.world > 1:
            dist.all_reduce(values)
        return values

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes, in the order of their ranks."""
        held = [value] * self.world
        if self.world > 1:
            dist.all_gather_object(held, value)
        return held

    def wait(self) -> None:
        """Wait until all processes have reached this call."""
        self.gather(None)

    @contextmanager
    def owned_folder(self, folder: str | Path) -> Iterator[None]:
        """Lock a folder in rank 0 for all processes, as `files.owned_folder`; a failure is raised in all of them.

        Raises:
            InputError: as `files.owned_folder`, in every process.
        """
        with ExitStack() as stack:
            refused = None
            if self.first:
                try:
                    stack.enter_context(owned_folder(folder))
                except InputError as error:
                    refused = str(error)
            if (refused := self.gather(refused)[0]) is not None:
                raise InputError(refused)
            yield

    def share_buffers(self, net: nn.Module) -> None:
        """Copy the running means and variances of rank 0, which saves them, to all processes."""
        if self.world > 1:
            for buffer in net.buffers():
                dist.broadcast(buffer, 0)


@contextmanager
def ranks(device: str) -> Iterator[tuple[Ranks, str]]:
    """Join the other processes that `torchrun` has started; without `torchrun` there is one process.

    Args:
        device: "cpu", or "cuda" for the GPU of this process's local rank.

    Yields:
        The processes and the device of this one.

    Raises:
        InputError: if a device is named that all processes would share.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world == 1:
        yield Ranks(), device
        return
    if device not in ("cpu", "cuda"):
        raise InputError(f"{world} processes cannot share device {device}; use cuda, or cpu")
    if device == "cuda":
        device = f"cuda:{int(os.environ.get('LOCAL_RANK', '0'))}"
        torch.cuda.set_device(device)
    dist.init_process_group("gloo" if device == "cpu" else "nccl")
    try:
        yield Ranks(dist.get_rank(), world), device
    finally:
        dist.destroy_process_group()
