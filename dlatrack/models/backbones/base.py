"""The base class of backbones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from dlatrack.models.init import kaiming
from dlatrack.recipes import InputFormat


class Backbone(nn.Module, ABC):
    """A convolutional trunk that returns the maps of some of its stages.

    Unless a class says otherwise, the total stride is 8, and cell i of a map looks at input px 7 + 8 i: 127 px give
    15 cells, 255 px give 31.

    Attributes:
        levels: returned stages, ascending.
        out_channels: channels of each returned stage, by level.
        ignored_prefixes: names that files of the same network may hold beyond this trunk (classifier, later
            stages).

    Raises:
        ValueError: for levels that a class does not have.
    """

    #: Channels of every stage that can be returned.
    STAGE_CHANNELS: ClassVar[Mapping[int, int]]

    #: Whether the batch norm of the trainable stages uses, and gathers, batch statistics once they train.
    batch_norm_trains: ClassVar[bool] = True

    def __init__(self, levels: Iterable[int], ignored_prefixes: tuple[str, ...]) -> None:
        super().__init__()
        self.levels = self.checked_levels(levels)
        self.out_channels = {level: self.STAGE_CHANNELS[level] for level in self.levels}
        self.ignored_prefixes = ignored_prefixes

    @classmethod
    def checked_levels(cls, levels: Iterable[int]) -> tuple[int, ...]:
        """The levels as an ascending tuple.

        Raises:
            ValueError: for an empty or repeated choice, or a stage that does not exist.
        """
        chosen = tuple(levels)
        if not chosen or sorted(set(chosen)) != list(chosen) or not set(chosen) <= set(cls.STAGE_CHANNELS):
            allowed = ", ".join(map(str, cls.STAGE_CHANNELS))
            raise ValueError(f"{cls.__name__} levels must be an ascending choice of {allowed}, got {chosen}")
        return chosen

    @abstractmethod
    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of the chosen levels.

        Args:
            images: (B, 3, S, S) network input.

        Returns:
            One (B, out_channels[level], H, H) per level; H = (S - 7) / 8 unless the trunk says otherwise.
        """

    @abstractmethod
    def trainable_stages(self) -> list[nn.Module]:
        """Parts that train once the backbone is unfrozen; all others never do."""

    def trainable_parameters(self) -> list[nn.Parameter]:
        """Parameters that train once the backbone is unfrozen, in the order of the trunk."""
        return [parameter for stage in self.trainable_stages() for parameter in stage.parameters()]

    def train_mode(self, trains: bool) -> None:
        """Freeze the trunk, batch norm included, but for its trainable stages if it `trains`."""
        self.eval()
        self.requires_grad_(False)
        if trains:
            for stage in self.trainable_stages():
                stage.requires_grad_(True)
                stage.train(self.batch_norm_trains)

    def adapted(self, state: Mapping[str, Tensor], input_format: InputFormat) -> dict[str, Tensor]:
        """Change a state dict of the torchvision network of this name to fit this trunk and its images."""
        return dict(state)

    def reset_parameters(self, generator: torch.Generator) -> None:
        """Draw fresh weights: Kaiming for rectified units, unit batch norm."""
        kaiming(self, generator, mode="fan_out")


def maps_after(parts: Iterable[nn.Module], returned: Collection[int], images: Tensor) -> list[Tensor]:
    """Apply parts one after the other, and return the maps after those with the numbers `returned`, from 0."""
    maps, x = [], images
    for number, part in enumerate(parts):
        x = part(x)
        if number in returned:
            maps.append(x)
    return maps
