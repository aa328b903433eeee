"""A small network whose maps are exact, for tests of exported graphs."""

from __future__ import annotations

from torch import Tensor, nn

from dlatrack.models.heads import FcHead
from dlatrack.models.necks import NoNeck
from dlatrack.models.siamese import SiameseNet


class Peaks(nn.Module):
    """A trunk whose maps are the largest values of 127 x 127 px, 64 px apart: exact, whatever the order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(127, 64)

    def forward(self, images: Tensor) -> list[Tensor]:
        return [self.pool(images)]


def peaks_net() -> SiameseNet:
    """A network of this trunk and the head of SiamFC, for the recipe "siamfc"."""
    return SiameseNet(Peaks(), NoNeck(), FcHead()).eval()
