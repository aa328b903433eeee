"""Processes of a distributed run: their ranks, and what they exchange."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from dlatrack.errors import InputError, without_secrets
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
        InputError: if a device is named that all processes would share; or, with the command that resumes, if another
            process has ended while this one works.
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
    try:
        dist.init_process_group("gloo" if device == "cpu" else "nccl")
        yield Ranks(dist.get_rank(), world), device
    except RuntimeError as error:
        if (what := _broken_connection(error)) is None:
            raise
        raise InputError(
            f"rank {os.environ.get('RANK', '')}: another process of this run has ended ({what}); what it printed "
            f"says why. The last checkpoint is kept; this resumes from it: {_own_command(world)}"
        ) from error
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _broken_connection(error: RuntimeError) -> str | None:
    """What a backend says of a connection to another process that broke, in a few words; None for other errors.

    gloo raises plain errors that begin with a place in its source, `[/.../gloo/transport/tcp/pair.cc:537] Read error
    [127.0.0.1]:5505: Connection reset by peer. This is ...`; NCCL raises `DistBackendError`.
    """
    text = " ".join(str(error).split())
    if gloo := re.match(r"(?:Gloo connectFullMesh failed with )?\[\S*gloo/\S+\] ?(.*)", text):
        return gloo[1].split(". ")[0]
    return "NCCL lost a connection" if isinstance(error, dist.DistError) else None


def _own_command(world: int) -> str:
    """The command line that started this process through `torchrun`."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    machines = "" if local == world else f"--nnodes {world // local} (with its other options) "
    program = ["-m", "dlatrack"] if Path(sys.argv[0]).name == "__main__.py" else sys.argv[:1]
    words = shlex.join(map(without_secrets, [*program, *sys.argv[1:]]))
    return f"torchrun {machines}--nproc-per-node {local} {words}"
