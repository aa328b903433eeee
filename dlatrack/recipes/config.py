"""The parts of a recipe: network, label assigner, loss, augmentation, schedule, online tracking."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from numbers import Real
from typing import Any, Literal, get_args

from dlatrack.errors import InputError
from dlatrack.grid import RPN_ANCHORS, ScoreGrid

InputFormat = Literal["bgr_255", "rgb_255", "rgb_imagenet"]
ClassificationForm = Literal["balanced", "eq3"]


@dataclass(frozen=True)
class NetConfig:
    """Network of a tracker; `models.siamese.build_model` turns it into modules."""

    backbone: str = "resnet50"  #: a name of `models.backbones`
    levels: tuple[int, ...] = (2, 3, 4)  #: backbone stages that reach the neck
    neck: str = "adjust"  #: a name of `models.necks`
    channels: int = 256  #: width of neck and head
    head: str = "car"  #: a name of `models.heads`
    tower_depth: int = 4  #: 3x3 convolutions in each tower of the head
    first_side: float = 1.0  #: px, what an untrained point head of SiamCAR predicts for l, t, r and b
    input_format: InputFormat = "bgr_255"  #: raw BGR or RGB 0..255, or ImageNet-normalised RGB
    template_size: int = 127  #: template crop, px
    search_size: int = 255  #: search region of training, px
    score_size: int = 25  #: cells per side of the score map of training
    online_search_size: int = 255  #: search region of online tracking, px
    stride: int = 8  #: search-region px per cell


@dataclass(frozen=True)
class AssignConfig:
    """Label assigner: its name in `assign.build_assigner`, the grid offset of training and its options."""

    name: str = "dla_points"
    point_offset: float = 31  #: search-region px of the first grid point
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number: Any = self.point_offset
        if isinstance(number, bool) or not isinstance(number, Real) or not math.isfinite(number):
            raise InputError(f"point_offset must be a finite number, got {number!r}")


@dataclass(frozen=True)
class LossConfig:
    """Weights of the loss terms, and the form of the classification loss."""

    classification: float = 1.0
    regression: float = 3.0
    centerness: float = 1.0
    #: "balanced" as the host trackers compute it, or "eq3": see `losses.terms.whole_map_cross_entropy`
    classification_form: ClassificationForm = "balanced"

    def __post_init__(self) -> None:
        allowed = get_args(ClassificationForm)
        if self.classification_form not in allowed:
            raise InputError(
                f"classification_form must be one of {', '.join(allowed)}, got {self.classification_form!r}"
            )


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of one crop of a pair; sizes in px of the stored 511-pixel crop."""

    shift: float = 0.0  #: the window centre moves by up to this much, per axis
    scale: float = 0.0  #: the window side is multiplied by 1 +- this, per axis
    blur: float = 0.0  #: probability of motion blur
    color: float = 0.0  #: probability of colour jitter
    flip: float = 0.0  #: probability of a left-right flip
    zoom: float = 1.0  #: both window sides are multiplied by one number in 1 / zoom .. zoom
    jitter: float = 0.0  #: the window centre moves by up to this share of half the window side, per axis
    keep_whole: bool = False  #: windows that cut the target are drawn again


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
    """SGD with a warm-up, a decay, and a backbone that starts from ImageNet and trains late.

    The rate of a "logarithmic" schedule is constant within an epoch: a geometric warm-up, then equal steps of the
    logarithm. That of a "cosine" schedule changes at every step: a linear warm-up, then half a cosine wave.
    """

    epochs: int = 20
    pairs_per_epoch: int = 600_000
    batch: int = 256
    shape: Literal["logarithmic", "cosine"] = "logarithmic"
    warmup_epochs: int = 5
    warmup_from: float = 0.001  #: learning rate of epoch 0; grows towards `rate`, reached after the warm-up
    rate: float = 0.005
    final_rate: float = 0.0005
    backbone_factor: float = 0.1  #: the backbone learns at this times the rate
    unfreeze_epoch: int = 10  #: 0-based epoch at which the backbone starts to train
    backbone_start: Literal["imagenet", "random", "shipped"] = (
        "imagenet"  #: weights of the backbone at the first epoch
    )
    momentum: float = 0.9
    weight_decay: float = 1e-4
    clip_norm: float | None = 10.0  #: largest global L2 norm of the gradient; None: any
    #: whether batch norm keeps the statistics it starts with, in neck, head and backbone; its weights still train
    frozen_batch_norm: bool = False

    def __post_init__(self) -> None:
        for name, most in (("epochs", 10**5), ("pairs_per_epoch", 2**40), ("batch", 2**20)):
            if getattr(self, name) < 1:
                raise InputError(f"schedule {name} must be at least 1, got {getattr(self, name)}")
            if getattr(self, name) > most:
                raise InputError(f"schedule {name} must be at most {most:,}, got {getattr(self, name)}")
        if not 0 <= self.warmup_epochs <= self.epochs:
            raise InputError(f"warmup_epochs must be in 0..{self.epochs} (epochs), got {self.warmup_epochs}")

    def backbone_trains(self, epoch: int) -> bool:
        """Whether the backbone trains in an epoch, counted from 0.

        In epochs beyond the last one of the schedule it does what it did in that one.
        """
        return min(epoch, self.epochs - 1) >= self.unfreeze_epoch

    def resized(self, *, epochs: int = 0, pairs_per_epoch: int = 0, batch: int = 0) -> Schedule:
        """The same schedule with other numbers; 0 keeps a number.

        A warm-up is cut to end before the last epoch, and a backbone that never trains does not with more epochs.

        Raises:
            InputError: for a negative number.
        """
        epochs = epochs or self.epochs
        return replace(
            self,
            epochs=epochs,
            pairs_per_epoch=pairs_per_epoch or self.pairs_per_epoch,
            batch=batch or self.batch,
            warmup_epochs=min(self.warmup_epochs, max(epochs - 1, 0)),
            unfreeze_epoch=max(self.unfreeze_epoch, epochs if self.unfreeze_epoch >= self.epochs else 0),
        )


@dataclass(frozen=True)
class OnlineConfig:
    """Hyper-parameters of online tracking, tuned per benchmark by the authors of each tracker."""

    #: Strength of the penalty on changes of size and aspect ratio; SiamFC: factor on other scales.
    penalty_k: float
    window_influence: float  #: weight of the cosine window, 0..1
    rate: float  #: learning rate of the target size, 0..1

    def __post_init__(self) -> None:
        """Raise InputError naming a value that is out of its range or no number."""
        for name, most in (("penalty_k", math.inf), ("window_influence", 1.0), ("rate", 1.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= most):
                allowed = "0 or more" if math.isinf(most) else f"in 0..{most:g}"
                raise InputError(f"{name} must be {allowed}, got {value}")


#: Ends of the names of trackers that are smaller than those of a paper.
SMALL_SIZES = ("_small", "_mini", "_nano")

#: Name of a DLA recipe: this, and the name of its fixed twin.
DLA_NAME = "dla_"

#: What stands between the name of a tracker and that of its label assigner, see `Recipe.with_assigner`.
RULE_MARK = "+"

#: Rules whose name or class decides the boxes that they label.
_WITH_SHAPES = ("dla_anchors", "dla_points", "circle", "rectangle", "ellipse", "inside")

_TITLES = {
    "siamfc": "SiamFC",
    "siamrpn": "SiamRPN",
    "siamrpnpp": "SiamRPN++",
    "siamcar": "SiamCAR",
    "siamban": "SiamBAN",
    "cosiamrpn": "CoSiamRPN",
    "siamfcpp": "SiamFC++",
    "nanotrack_v3": "NanoTrack V3",
}


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
    def title(self) -> str:
        """The tracker's name as papers write it, e.g. "SiamRPN++ small"; the same whatever its label assigner."""
        name = self.name.removeprefix(DLA_NAME).partition(RULE_MARK)[0]
        base = name if name in _TITLES else name.partition("_")[0]
        return _TITLES.get(base, base) + name.removeprefix(base).replace("_", " ")

    @property
    def grid(self) -> ScoreGrid:
        """Score grid of training, with the offset of the assigner."""
        return ScoreGrid(self.net.score_size, self.net.stride, self.assign.point_offset)

    def with_assigner(
        self,
        assigner: str,
        *,
        point_offset: float | None = None,
        classification: ClassificationForm | None = None,
        **options: Any,
    ) -> Recipe:
        """The same tracker with another label assigner, or with other options of its own.

        Network, sampling and schedule stay; so does the loss, but for `classification` and the terms that a soft rule
        needs (`losses.loss_of`). For an RPN head a rule gets `anchor_shapes`, the five of that head, unless its name
        has them.

        Args:
            assigner: name of a rule, see `assign.ASSIGNERS`. Of the recipe's own rule, options that are not given
                keep their values.
            point_offset: search-region px of the first point of the training grid; None: the recipe's.
            classification: form of the classification loss, see `LossConfig`; None: the recipe's.
            options: options of the rule.

        Returns:
            The recipe, named after the fixed twin of this one, the rule and its options, for example
            "siamcar+simota,radius=1.5"; this one if nothing differs. `assign.assigner_of` checks rule and options,
            `losses.loss_of` whether the loss has the form.

        Raises:
            InputError: if `point_offset` is no finite number, or there is no such form.
        """
        own = self.assign.options if assigner == self.assign.name else {}
        shapes = self.net.head == "rpn" and assigner not in _WITH_SHAPES
        plain = {name: _plain(value) for name, value in options.items()}
        given = ({"anchor_shapes": RPN_ANCHORS} if shapes else {}) | dict(own) | plain
        offset = self.assign.point_offset if point_offset is None else _plain(point_offset)
        if isinstance(offset, float) and offset.is_integer():
            offset = int(offset)  # as recipes write it, so that equal recipes have equal records
        rule = AssignConfig(assigner, offset, given)
        loss = replace(self.loss, classification_form=classification or self.loss.classification_form)
        if (rule, loss) == (replace(self.assign, options=dict(self.assign.options)), self.loss):
            return self
        tracker, _, before = self.name.removeprefix(DLA_NAME).partition(RULE_MARK)
        named = {name: value for name, value in given.items() if value != RPN_ANCHORS}
        # An offset that is not the tracker's own is in the name, and stays there when the rule changes once more.
        if offset != self.assign.point_offset or ",point_offset=" in before:
            named["point_offset"] = offset
        if loss.classification_form != "balanced":
            named["classification"] = loss.classification_form
        texts = [assigner, *(f"{name}={_option_text(value)}" for name, value in named.items())]
        return replace(self, name=tracker + RULE_MARK + ",".join(texts), assign=rule, loss=loss)

    def tuned_for(self, benchmark: str) -> str:
        """Benchmark whose online hyper-parameters are used on `benchmark`: that one, or OTB100, which all have."""
        return benchmark if benchmark in self.online else "OTB100"

    def as_dict(self) -> dict[str, Any]:
        """Plain nested dictionaries and lists, ready for JSON.

        The form of the classification loss is in it only where it is not "balanced", so that the hashes and files of
        recipes from before it was a setting stay what they are.
        """
        plain = asdict(self)
        if self.loss.classification_form == "balanced":
            del plain["loss"]["classification_form"]
        return plain


def _plain(value: Any) -> Any:
    """A value as JSON takes it: numbers of NumPy become those of Python."""
    return value.item() if hasattr(value, "item") else value


def _option_text(value: Any) -> str:
    """A value as the command line takes it: `assign.options.Option.parse` reads it."""
    if isinstance(value, tuple):
        return "+".join(f"{width:g}x{height:g}" for width, height in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
