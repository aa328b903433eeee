"""Every tracker as one frozen dataclass: network, label assigner, loss, augmentation, schedule, online tracking.

A DLA recipe is its fixed twin with another assigner and nothing else. Vary a recipe with `dataclasses.replace`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from dlatrack.errors import InputError
from dlatrack.grid import ScoreGrid

InputFormat = Literal["bgr_255", "rgb_imagenet"]


@dataclass(frozen=True)
class NetConfig:
    """Network of a tracker; `models.siamese.build_model` turns it into modules."""

    backbone: str = "resnet50"  #: a name of `models.backbones`
    levels: tuple[int, ...] = (2, 3, 4)  #: backbone stages that reach the neck
    channels: int = 256  #: width of neck and head
    head: str = "car"  #: a name of `models.heads`
    tower_depth: int = 4  #: 3x3 convolutions in each tower of the head
    first_side: float = 1.0  #: px, what an untrained point head answers for l, t, r and b
    input_format: InputFormat = "bgr_255"  #: raw BGR 0..255 (public checkpoints) or ImageNet-normalised RGB
    template_size: int = 127  #: template crop, px
    search_size: int = 255  #: search region, px
    score_size: int = 25  #: cells per side of the score map
    stride: int = 8  #: search-region px per cell


@dataclass(frozen=True)
class AssignConfig:
    """Label assigner: its name in `assign.build_assigner`, the grid offset it trains with and its options."""

    name: str = "dla_points"
    point_offset: float = 31  #: search-region px of the first grid point
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss terms."""

    classification: float = 1.0
    regression: float = 3.0
    centerness: float = 1.0


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of one crop of a pair; sizes in px of the stored 511-pixel crop."""

    shift: float  #: the window centre moves by up to this much, per axis
    scale: float  #: the window side is multiplied by 1 +- this, per axis
    blur: float  #: probability of motion blur
    color: float  #: probability of colour jitter
    flip: float = 0.0  #: probability of a left-right flip


@dataclass(frozen=True)
class SamplingConfig:
    """How training pairs are drawn and augmented."""

    template: AugmentConfig = AugmentConfig(shift=4, scale=0.05, blur=0.0, color=1.0)
    search: AugmentConfig = AugmentConfig(shift=64, scale=0.18, blur=0.2, color=1.0)
    gray: float = 0.0  #: probability that both images of a pair lose their colour
    negative_pairs: float = 0.0  #: share of pairs whose search region shows another object
    frame_range: int = 100  #: largest distance of the two frames, in positions of the track


@dataclass(frozen=True)
class Schedule:
    """SGD with a geometric warm-up, a logarithmic decay, and a backbone that starts to train late."""

    epochs: int = 20
    pairs_per_epoch: int = 600_000
    batch: int = 256
    warmup_epochs: int = 5
    warmup_from: float = 0.001  #: learning rate of epoch 0; grows towards `rate`, reached after the warm-up
    rate: float = 0.005
    final_rate: float = 0.0005
    backbone_factor: float = 0.1  #: the backbone learns at this times the rate
    unfreeze_epoch: int = 10  #: 0-based epoch at which the backbone starts to train
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip_norm: float = 10.0  #: global L2 norm of the gradient

    def __post_init__(self) -> None:
        for name in ("epochs", "pairs_per_epoch", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"schedule {name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.warmup_epochs <= self.epochs:
            raise ValueError(f"warmup_epochs must be in 0..{self.epochs} (epochs), got {self.warmup_epochs}")


@dataclass(frozen=True)
class OnlineConfig:
    """Hyper-parameters of online tracking, tuned per benchmark by the authors of each tracker."""

    penalty_k: float  #: strength of the penalty on changes of size and aspect ratio
    window_influence: float  #: weight of the cosine window, 0..1
    rate: float  #: learning rate of the target size, 0..1


@dataclass(frozen=True)
class Recipe:
    """A tracker that can be trained and run."""

    name: str
    net: NetConfig = field(default_factory=NetConfig)
    assign: AssignConfig = field(default_factory=AssignConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    sampling: SamplingConfig = field(default_factory=SamplingConfig)
    schedule: Schedule = field(default_factory=Schedule)
    online: Mapping[str, OnlineConfig] = field(default_factory=dict)  #: by benchmark name

    @property
    def grid(self) -> ScoreGrid:
        """Score grid of training, with the offset of the assigner."""
        return ScoreGrid(self.net.score_size, self.net.stride, self.assign.point_offset)

    def as_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries and lists, ready for JSON."""
        return asdict(self)


_SIAMCAR_ONLINE = {
    "OTB100": OnlineConfig(penalty_k=0.2, window_influence=0.45, rate=0.35),
    "GOT10K": OnlineConfig(penalty_k=0.06, window_influence=0.1, rate=0.7),
    "UAV123": OnlineConfig(penalty_k=0.2, window_influence=0.3, rate=0.4),
    "LaSOT": OnlineConfig(penalty_k=0.04, window_influence=0.3, rate=0.33),
}

_SIAMCAR = Recipe(
    name="siamcar",
    assign=AssignConfig("rectangle", point_offset=32, options={"center_ratio": 0.4}),
    online=_SIAMCAR_ONLINE,
)

_SIAMCAR_SMALL = replace(
    _SIAMCAR,
    name="siamcar_small",
    net=NetConfig(
        backbone="mobilenet_v2",
        levels=(3, 4),
        channels=64,
        tower_depth=2,
        first_side=32,  # half a typical target, so that short runs need not learn the scale first
        input_format="rgb_imagenet",
    ),
    assign=AssignConfig("rectangle", point_offset=31, options={"center_ratio": 0.4}),
    schedule=Schedule(epochs=20, pairs_per_epoch=20_000, batch=32),
)


_SIAMRPNPP = Recipe(
    name="siamrpnpp",
    net=NetConfig(head="rpn"),
    assign=AssignConfig("iou"),
    loss=LossConfig(regression=1.2, centerness=0.0),
    sampling=SamplingConfig(negative_pairs=0.2),
    schedule=Schedule(batch=120),
    online={
        "OTB100": OnlineConfig(penalty_k=0.24, window_influence=0.5, rate=0.25),
        "VOT2018": OnlineConfig(penalty_k=0.05, window_influence=0.42, rate=0.38),
        "UAV123": OnlineConfig(penalty_k=0.1, window_influence=0.1, rate=0.5),
        "LaSOT": OnlineConfig(penalty_k=0.05, window_influence=0.42, rate=0.38),
    },
)

_COSIAMRPN = replace(
    _SIAMRPNPP,
    name="cosiamrpn",
    net=NetConfig(backbone="efficientnet_b0", levels=(3, 5, 7), head="rpn", input_format="rgb_imagenet"),
    online={
        "OTB100": OnlineConfig(penalty_k=0.24, window_influence=0.5, rate=0.25),
        "VOT2018": OnlineConfig(penalty_k=0.04, window_influence=0.4, rate=0.5),
    },
)

_SIAMBAN = Recipe(
    name="siamban",
    net=NetConfig(head="ban"),
    assign=AssignConfig("ellipse"),
    loss=LossConfig(regression=1.0, centerness=0.0),
    sampling=SamplingConfig(negative_pairs=0.2),
    schedule=Schedule(pairs_per_epoch=1_000_000, batch=224, final_rate=0.00005),
    online={
        "OTB100": OnlineConfig(penalty_k=0.0205305, window_influence=0.3850733, rate=0.4730770),
        "VOT2018": OnlineConfig(penalty_k=0.0851364, window_influence=0.4632533, rate=0.4441818),
        "VOT2019": OnlineConfig(penalty_k=0.0012160, window_influence=0.3344500, rate=0.4638681),
    },
)

_SIAMRPNPP_SMALL = replace(
    _SIAMRPNPP,
    name="siamrpnpp_small",
    net=replace(_SIAMCAR_SMALL.net, head="rpn"),
    schedule=_SIAMCAR_SMALL.schedule,
)


def _with_dla(fixed: Recipe, assigner: str) -> Recipe:
    """The same tracker with dynamic label assignment; nothing but the assigner and the name changes."""
    return replace(fixed, name=f"dla_{fixed.name}", assign=AssignConfig(assigner, fixed.assign.point_offset))


RECIPES: dict[str, Recipe] = {
    entry.name: entry
    for fixed, assigner in (
        (_SIAMCAR, "dla_points"),
        (_SIAMCAR_SMALL, "dla_points"),
        (_SIAMRPNPP, "dla_anchors"),
        (_SIAMRPNPP_SMALL, "dla_anchors"),
        (_COSIAMRPN, "dla_anchors"),
    )
    for entry in (fixed, _with_dla(fixed, assigner))
} | {_SIAMBAN.name: _SIAMBAN}


def recipe(name: str) -> Recipe:
    """Look up a recipe by name.

    Raises:
        InputError: naming the recipes that exist.
    """
    if name not in RECIPES:
        raise InputError(f"there is no recipe {name!r}; choose from {', '.join(sorted(RECIPES))}")
    return RECIPES[name]
