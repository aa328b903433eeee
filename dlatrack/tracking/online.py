"""Online tracking with a Siamese network: initialise on a box, then update frame by frame."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from dlatrack.devices import check_device
from dlatrack.errors import InputError
from dlatrack.memory import memory_errors
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.memory import SMALLER_TRACKER, tracking_errors
from dlatrack.models.preprocess import to_network_input
from dlatrack.models.runtimes import load_for
from dlatrack.recipes import OnlineConfig, Recipe
from dlatrack.sampling.crops import mean_colour, sub_window
from dlatrack.tracking.confidence.calibration import Calibration, calibration_for
from dlatrack.tracking.confidence.hysteresis import Thresholds
from dlatrack.tracking.confidence.options import checked_options
from dlatrack.tracking.confidence.recovery import Recovery, RecoveryConfig, Sighting
from dlatrack.tracking.confidence.signals import FIRST, FirstLook, first_look, frame_signals, target_map
from dlatrack.tracking.confidence.watch import Confidence, Watch
from dlatrack.tracking.steps.siamcar import siamcar_step
from dlatrack.tracking.steps.siamfc import SCALES, centred_window, siamfc_step
from dlatrack.tracking.steps.siamfcpp import affine_window, siamfcpp_step
from dlatrack.tracking.steps.siamrpn import siamban_step, siamrpn_step
from dlatrack.tracking.steps.state import CropGeometry, TargetState

if TYPE_CHECKING:
    from dlatrack.models.heads import HeadOutput


class Network(Protocol):
    """The network of a tracker, usually a `models.siamese.SiameseNet`."""

    def template(self, z: Tensor) -> list[Tensor]:
        """Template features for the head, from network input (1, 3, 127, 127)."""
        ...

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """Maps of the head for V search regions (V, 3, S, S)."""
        ...


class Family(NamedTuple):
    """Search regions and tracking step of the trackers with one kind of head."""

    #: function of the maps of the head, last state, hyper-parameters, image size and geometry that returns the new
    #: state and its score
    step: Callable[..., tuple[TargetState, float]]
    #: function of image, centre, side, output size and border colour that returns a square crop
    crop: Callable[[np.ndarray, np.ndarray, int, int, np.ndarray], np.ndarray] = sub_window
    #: sides of the search regions of one frame, as factors of the published side. With several, `step` gets maps (V,
    #: C, S, S) of all, else (C, S, S).
    scales: tuple[float, ...] = (1.0,)


#: The family of each head; a new head is added to it.
FAMILIES: dict[str, Family] = {
    "fc": Family(siamfc_step, centred_window, SCALES),
    "rpn": Family(siamrpn_step),
    "car": Family(siamcar_step),
    "ban": Family(siamban_step),
    "fcpp": Family(siamfcpp_step, affine_window),
    "nano": Family(siamban_step),
}


class OnlineTracker:
    """A tracker of one target with a Siamese network.

    Args:
        net: the network; left as it is, a copy is made ready for inference (`models.inference.deploy`).
        recipe: the recipe of `net`; gives crop sizes, input format and hyper-parameters.
        benchmark: the benchmark whose hyper-parameters are used, a key of `recipe.online`.
        setting: hyper-parameters to use in place of those for `benchmark`.
        device: the torch device of the network.
        fast: whether answers may differ a little where that makes the device quicker (`models.inference.deploy`).
        calibration: calibration of the confidence; None: `confidence` stays None.
        thresholds: when the state of the track changes; None: the defaults.
        recover: whether a lost target is searched again (`confidence.recovery.Recovery`); benchmarks are run without.
        recovery: how it is searched; None: the defaults.

    Attributes:
        recipe: the recipe of the network.

    Raises:
        InputError: if this machine lacks the device, the recipe has no hyper-parameters for `benchmark` and no
            `setting` is given, or as `confidence.options.checked_options`.
        ValueError: if the head of the recipe has no tracking step.

    Example:
        tracker = OnlineTracker.from_weights("dla_nanotrack_v3", benchmark="UAV123", device="cuda")
        tracker.init(frames[0], box_xywh)
        boxes = [tracker.update(frame)[0] for frame in frames[1:]]

    Source: the public tracker classes; each step names its own.
    """

    def __init__(
        self,
        net: nn.Module,
        recipe: Recipe,
        *,
        benchmark: str = "OTB100",
        setting: OnlineConfig | None = None,
        device: str | torch.device = "cpu",
        fast: bool = False,
        calibration: Calibration | None = None,
        thresholds: Thresholds | None = None,
        recover: bool = False,
        recovery: RecoveryConfig | None = None,
    ) -> None:
        check_device(device)
        if setting is None and benchmark not in recipe.online:
            known = ", ".join(recipe.online) or "none"
            raise InputError(f"recipe {recipe.name} has no online settings for {benchmark!r}; it has {known}")
        if recipe.net.head not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise ValueError(f"head {recipe.net.head!r} has no tracking step; choose from {known}")
        options = checked_options(recipe.name, calibration, thresholds, recover, recovery)
        self._thresholds, self._recovery_config = options
        self._net = cast(Network, deploy(net, device, fast=fast))
        self.recipe = recipe
        self._family = FAMILIES[recipe.net.head]
        self._setting = recipe.online[benchmark] if setting is None else setting
        self._device = torch.device(device)
        self._state: TargetState | None = None
        self._border = np.zeros(3)
        self._template: list[Tensor] = []
        self._calibration = calibration
        self._first: FirstLook | None = None
        self._watch: Watch | None = None
        self._recovery: Recovery | None = None

    @classmethod
    def from_weights(
        cls,
        name_or_file: str | Path,
        *,
        benchmark: str = "OTB100",
        setting: OnlineConfig | None = None,
        device: str | torch.device = "cpu",
        fast: bool = False,
        runtime: str = "torch",
        thresholds: Thresholds | None = None,
        recover: bool = False,
        recovery: RecoveryConfig | None = None,
    ) -> OnlineTracker:
        """Read trained weights and make their tracker.

        The weights decide the recipe, and so the network and its hyper-parameters. `functools.partial` of this method
        is a picklable factory for `tracking.benchmark.run_benchmark`.

        Args:
            name_or_file: the name of a tracker that comes with the package, e.g. "dla_nanotrack_v3", a weight file
                of `models.weights.save_weights`, or a folder of `dlatrack weights export` for another runtime.
            benchmark: the benchmark whose hyper-parameters are used, a key of `recipe.online`.
            setting: hyper-parameters to use in place of those for `benchmark`.
            device: the torch device of the network.
            fast: whether answers may differ a little where that makes the device quicker.
            runtime: what computes the network, a key of `models.runtimes.RUNTIMES`.
            thresholds: when the state of the track changes; None: the defaults. This and `recover` need a
                calibration beside the weights.
            recover: whether a lost target is searched again.
            recovery: how it is searched, which needs `recover`; None: the defaults.

        Raises:
            InputError: if there is no such tracker, file, device or runtime, the packages of the runtime are not
                installed, the file is not a sound weight file of this package, its recipe has no hyper-parameters for
                `benchmark`, the calibration beside it is damaged, of other weights, or missing where it is needed, or
                as `confidence.options.checked_options`.
        """
        check_device(device)
        with memory_errors(f"loading the tracker {name_or_file}", SMALLER_TRACKER):
            net, recipe = load_for(name_or_file, runtime, device, fast=fast)
            return cls(
                net,
                recipe,
                benchmark=benchmark,
                setting=setting,
                device=device,
                fast=fast,
                calibration=calibration_for(name_or_file),
                thresholds=thresholds,
                recover=recover,
                recovery=recovery,
            )

    def with_setting(self, setting: OnlineConfig) -> OnlineTracker:
        """Another tracker with the same network in memory and other hyper-parameters; it has no target yet."""
        other = copy.copy(self)
        other._setting, other._state = setting, None
        other._first = other._watch = other._recovery = None
        return other

    @property
    def confidence(self) -> Confidence | None:
        """Confidence in the last box; None without a calibration, and before `init`."""
        return None if self._watch is None else self._watch.confidence

    @torch.inference_mode()
    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Start on a target, in place of any other.

        Args:
            image: (H, W, 3) uint8 RGB.
            box_xywh: (4,), 0-based px; it may extend beyond the image.

        Raises:
            InputError: if the image has another shape or type, or the box is not finite, empty or outside the image.
        """
        _check_image(image)
        state = TargetState.from_box(image, box_xywh)
        with tracking_errors(self.recipe):
            self._border = mean_colour(image)
            self._template = self._net.template(
                self._crops(image, state, [state.side], self.recipe.net.template_size)
            )
        self._state = state
        if self._calibration is not None:
            self._first = first_look(image, state)
            self._watch = Watch(self._calibration, self._thresholds)
            if self._recovery_config is not None:
                region = self.recipe.net.online_search_size / self.recipe.net.template_size
                self._recovery = Recovery(self._recovery_config, self._watch, state, region)

    @torch.inference_mode()
    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Find the target in the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            box_xywh: (4,) float64, 0-based px; its centre lies inside the image, its corners may not.
            score: target probability, 0..1.

        Raises:
            InputError: if the image has another shape or type, or an output of the network is not finite.
            ValueError: if called before `init`.
        """
        if self._state is None:
            raise ValueError("call init with the first frame and its box before update")
        _check_image(image)
        look = partial(self._look, image)
        with tracking_errors(self.recipe):
            if self._recovery is not None:
                found = self._recovery.step(look, self._state, (image.shape[1], image.shape[0]))
            else:
                found = look(self._state)
                if self._watch is not None:
                    self._watch.observe(found.signals)
        self._state = found.state
        return found.state.box_xywh, found.score

    def _look(self, image: np.ndarray, last: TargetState, *, windowed: bool = True) -> Sighting:
        """One tracking step around the place `last`, without the cosine window if not `windowed`."""
        config, family = self.recipe.net, self._family
        size = config.online_search_size
        sides = [last.side * (size / config.template_size) * scale for scale in family.scales]
        output = self._net.search(self._crops(image, last, sides, size), self._template)
        maps = [part.float().cpu().numpy() for part in output if part is not None]
        if not all(np.isfinite(part).all() for part in maps):
            raise InputError("the network answered with values that are not finite; its weights are unusable")
        if len(sides) == 1:
            maps = [part[0] for part in maps]
        setting = self._setting if windowed else replace(self._setting, window_influence=0.0)
        geometry = CropGeometry(config.template_size, size, config.stride)
        state, score = family.step(*maps, last, setting, (image.shape[1], image.shape[0]), geometry)
        signals = FIRST
        if self._first is not None:
            target = target_map(config.head, maps)
            signals = frame_signals(target, score, last, state, geometry, self._first, image)
        return Sighting(state, score, signals)

    def _crops(self, image: np.ndarray, state: TargetState, sides: list[float], out_size: int) -> Tensor:
        """Network input (V, 3, out_size, out_size) of V squares around the target, sides in image px."""
        crops = [
            self._family.crop(image, state.centre_xy, max(round(side), 1), out_size, self._border)
            for side in sides
        ]
        batch = torch.from_numpy(np.stack(crops)).to(self._device).permute(0, 3, 1, 2).float()
        return to_network_input(batch, self.recipe.net.input_format)


def _check_image(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"an image must be an (H, W, 3) uint8 RGB array, got {found}")
    if image.size == 0:
        raise InputError(f"an image must have at least one pixel, got {image.shape}")
