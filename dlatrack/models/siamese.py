"""The Siamese network: one backbone for both images, a neck, and a head that compares them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dlatrack.devices import warm_up_vector_math
from dlatrack.errors import InputError
from dlatrack.models.backbones import BACKBONES, Backbone
from dlatrack.models.heads import HEADS, Head, HeadOutput
from dlatrack.models.inference.frozen import FrozenTrunk, TrunkMaps
from dlatrack.models.necks import NECKS, AdjustNeck, NoNeck
from dlatrack.recipes import Recipe


class SiameseNet(nn.Module):
    """Backbone, neck and head of a tracker.

    Args:
        backbone: trunk shared by template and search region.
        neck: module from maps of the backbone to features of one width.
        head: module from features of both images to scores and boxes.

    Source: SiamRPN++ (Li et al. 2019) Fig. 3, SiamCAR (Guo et al. 2020) Fig. 2.
    """

    def __init__(self, backbone: Backbone, neck: AdjustNeck | NoNeck, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.neck = neck
        self.head = head
        #: maps that networks with the same frozen backbone share, see `training.engine.train_side_by_side`
        self.trunk_maps: TrunkMaps | None = None
        self._frozen: FrozenTrunk | None = None

    def template(self, z: Tensor) -> list[Tensor]:
        """Features of the target, computed once per sequence.

        Args:
            z: (B, 3, 127, 127) network input, see `models.preprocess`.

        Returns:
            SiamCAR: (B, channels, 7, 7) per level, 4 x 4 at stride 16; SiamRPN++ and SiamBAN: two kernels (B,
            channels, 5, 5) per level, 2 x 2 at stride 16; SiamRPN: two of 4 x 4; SiamFC++: two of 3 x 3, 2 x 2 at
            stride 16; SiamFC: (B, channels, 6, 6);
            NanoTrack V3: one of 8 x 8 and one of 4 x 4, twice.
        """
        return self.head.kernels(self.neck.template(self._features(z)))

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """Compare a search region with the target.

        Args:
            x: (B, 3, S, S) network input; S is `search_size` of the recipe in training and `online_search_size` in
                tracking.
            features: result of `template`, with the same B.

        Returns:
            Maps of 25 x 25 cells with ResNet-50, EfficientNet-B0 and MobileNetV2 (S = 255); of 17 x 17 in SiamFC
            (255), 17 and 21 in SiamRPN (255 and 287), 17 and 19 in SiamFC++ (289 and 303), 15 in NanoTrack V3, 9 in
            SiamFC++ nano and 13 in the other nano trackers (255).
        """
        output: HeadOutput = self.head(features, self.neck(self._features(x)))
        return output

    def forward(self, z: Tensor, x: Tensor) -> HeadOutput:
        """`search` after `template`: (B, 3, 127, 127) and (B, 3, S, S) to the maps of `search`."""
        return self.search(x, self.template(z))

    def _features(self, images: Tensor) -> list[Tensor]:
        trunk = self.backbone if self._frozen is None else self._frozen
        maps: list[Tensor] = trunk(images)
        return maps

    def train(self, mode: bool = True) -> SiameseNet:
        """See `nn.Module.train`; only `train_mode` freezes the backbone."""
        self._frozen = None
        return super().train(mode)

    def train_mode(
        self, backbone_trains: bool, dtype: torch.dtype = torch.float32, *, frozen_batch_norm: bool = False
    ) -> SiameseNet:
        """Put the network in training mode; call it at the start of every epoch.

        Neck and head always train, their batch norm with batch statistics unless these are frozen. The backbone is
        frozen until `backbone_trains`; then its trainable part joins in (`Backbone.train_mode`; Inception-v3 freezes
        less than the others). The result depends on the arguments alone, not on earlier calls, so a resumed run
        freezes what a whole run froze.

        While all of it is frozen, a faster copy may compute in its place on a CPU (`frozen.FrozenTrunk`): the weights
        of the backbone must not be changed meanwhile.

        Args:
            backbone_trains: whether the backbone is past its unfreezing.
            dtype: dtype in which a frozen backbone computes.
            frozen_batch_norm: whether all batch norm uses, and keeps, its running statistics; its weights train.

        Source: SiamDLA Sec. 4.1 (frozen for the first ten epochs); layers and batch norm as in the public code of
        each tracker.
        """
        self.train()
        self.requires_grad_(True)
        self.backbone.train_mode(backbone_trains)
        if frozen_batch_norm:
            for part in self.modules():
                if isinstance(part, nn.modules.batchnorm._BatchNorm):
                    part.eval()
        if not any(parameter.requires_grad for parameter in self.backbone.parameters()):
            self._frozen = FrozenTrunk.of(self.backbone, dtype, self.trunk_maps)
        return self


#: Largest size of the weights of a network, bytes; those of the largest published one take a fifth.
_MOST_BYTES = 2**30


def build_model(recipe: Recipe, generator: torch.Generator | None = None) -> SiameseNet:
    """Build the network of a recipe on the CPU, in evaluation mode, with fresh weights.

    A DLA recipe and its fixed twin get the same network, and the same generator state gives the same bits.
    Global random state is neither read nor changed.

    Args:
        recipe: recipe with the names and sizes of backbone, neck and head.
        generator: CPU generator of the weights; None: a new one with seed 0.

    Raises:
        InputError: when the recipe names an unknown backbone, neck or head.
        ValueError: when its levels or sizes do not fit them, or its weights take more than 1 GiB.
    """
    net = recipe.net
    for kind, name, known in (
        ("backbone", net.backbone, BACKBONES),
        ("neck", net.neck, NECKS),
        ("head", net.head, HEADS),
    ):
        if name not in known:
            choice = ", ".join(sorted(known))
            raise InputError(f"recipe {recipe.name}: there is no {kind} {name!r}; choose from {choice}")
    warm_up_vector_math()
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    model = shapes_alone(recipe)
    size = sum(value.numel() * value.element_size() for value in model.state_dict().values())
    if size > _MOST_BYTES:
        raise ValueError(
            f"recipe {recipe.name} makes a network of {size:,} bytes; at most {_MOST_BYTES:,} are built"
        )
    model.to_empty(device="cpu")
    model.backbone.reset_parameters(generator)
    model.neck.reset_parameters(generator)
    model.head.reset_parameters(generator)
    return model.eval()


def shapes_alone(recipe: Recipe) -> SiameseNet:
    """The network of a recipe on torch's device "meta": shapes without values, which take no memory.

    Global random state is neither read nor changed.

    Args:
        recipe: recipe whose backbone, neck and head exist.
    """
    net = recipe.net
    with torch.device("meta"):
        backbone = BACKBONES[net.backbone](net.levels)
        return SiameseNet(
            backbone, NECKS[net.neck](backbone.out_channels, net.channels), HEADS[net.head](net)
        )
