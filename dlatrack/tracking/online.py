"""Online tracking: initialise on a box, then follow the target frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from dlatrack.errors import InputError
from dlatrack.models.inference.deploy import deploy
from dlatrack.models.preprocess import to_network_input
from dlatrack.recipes import OnlineConfig, Recipe
from dlatrack.sampling.crops import mean_colour, sub_window
from dlatrack.tracking.steps.siamcar import siamcar_step
from dlatrack.tracking.steps.siamfc import SCALES, centred_window, siamfc_step
from dlatrack.tracking.steps.siamfcpp import affine_window, siamfcpp_step
from dlatrack.tracking.steps.siamrpn import siamban_step, siamrpn_step
from dlatrack.tracking.steps.state import CropGeometry, TargetState

if TYPE_CHECKING:
    from dlatrack.models.heads import HeadOutput


class Network(Protocol):
    """What a tracker needs of a network, usually a `models.siamese.SiameseNet`."""

    def template(self, z: Tensor) -> list[Tensor]:
        """What the head needs of the target, from network input (1, 3, 127, 127)."""
        ...

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        """Maps of search regions (V, 3, S, S)."""
        ...


class Family(NamedTuple):
    """How the trackers with one kind of head look at a frame and move.

    Attributes:
        step: maps of the head, last state, hyper-parameters, image size and geometry to the new state and its score.
        crop: image, centre, side, output size and border colour to a square crop.
        scales: sides of the search regions of one frame, as factors of the published side. With several, `step` gets
            the maps of all, (V, C, S, S), else (C, S, S).
    """

    step: Callable[..., tuple[TargetState, float]]
    crop: Callable[[np.ndarray, np.ndarray, int, int, np.ndarray], np.ndarray] = sub_window
    scales: tuple[float, ...] = (1.0,)


#: The family of each head. A new head adds its own here.
FAMILIES: dict[str, Family] = {
    "fc": Family(siamfc_step, centred_window, SCALES),
    "rpn": Family(siamrpn_step),
    "car": Family(siamcar_step),
    "ban": Family(siamban_step),
    "fcpp": Family(siamfcpp_step, affine_window),
}


class OnlineTracker:
    """A Siamese network that follows one target.

    Args:
        net: the network; left as it is, a copy is made ready for inference (`models.deploy`).
        recipe: the recipe of `net`; gives crop sizes, input format and hyper-parameters.
        benchmark: whose hyper-parameters to use, a key of `recipe.online`.
        device: where the network runs.
        fast: allow answers that differ a little, where the device then is quicker (`models.deploy`).

    Raises:
        InputError: if the recipe has no hyper-parameters for `benchmark`.
        ValueError: if the head of the recipe has no tracking step.

    Example:
        tracker = OnlineTracker(net, recipe("dla_siamcar"), benchmark="UAV123", device="cuda")
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
        device: str | torch.device = "cpu",
        fast: bool = False,
    ) -> None:
        if benchmark not in recipe.online:
            known = ", ".join(recipe.online) or "none"
            raise InputError(f"recipe {recipe.name} has no online settings for {benchmark!r}; it has {known}")
        if recipe.net.head not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise ValueError(f"head {recipe.net.head!r} has no tracking step; choose from {known}")
        self._net = cast(Network, deploy(net, device, fast=fast))
        self._config = recipe.net
        self._family = FAMILIES[recipe.net.head]
        self._hyper: OnlineConfig = recipe.online[benchmark]
        self._device = torch.device(device)
        self._state: TargetState | None = None
        self._border = np.zeros(3)
        self._template: list[Tensor] = []

    @torch.inference_mode()
    def init(self, image: np.ndarray, box_xywh: np.ndarray) -> None:
        """Start on a target, forgetting any other.

        Args:
            image: (H, W, 3) uint8 RGB.
            box_xywh: (4,), 0-based px; it may reach over the border of the image.

        Raises:
            InputError: if the image has another form, or the box is not finite, empty or outside the image.
        """
        _check_image(image)
        state = TargetState.from_box(image, box_xywh)
        self._border = mean_colour(image)
        self._template = self._net.template(
            self._crops(image, state, [state.side], self._config.template_size)
        )
        self._state = state

    @torch.inference_mode()
    def update(self, image: np.ndarray) -> tuple[np.ndarray, float]:
        """Find the target in the next frame.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            box_xywh: (4,) float64, 0-based px; its centre lies inside the image, its corners may not.
            score: target probability, 0..1.

        Raises:
            InputError: if the image has another form, or the network answers with numbers that are not finite.
            ValueError: if called before `init`.
        """
        if self._state is None:
            raise ValueError("call init with the first frame and its box before update")
        _check_image(image)
        config, state, family = self._config, self._state, self._family
        size = config.online_search_size
        sides = [state.side * (size / config.template_size) * scale for scale in family.scales]
        output = self._net.search(self._crops(image, state, sides, size), self._template)
        maps = [part.float().cpu().numpy() for part in output if part is not None]
        if not all(np.isfinite(part).all() for part in maps):
            raise InputError("the network answered with values that are not finite; its weights are unusable")
        self._state, score = family.step(
            *(maps if len(sides) > 1 else (part[0] for part in maps)),
            state,
            self._hyper,
            (image.shape[1], image.shape[0]),
            CropGeometry(config.template_size, size, config.stride),
        )
        return self._state.box_xywh, score

    def _crops(self, image: np.ndarray, state: TargetState, sides: list[float], out_size: int) -> Tensor:
        """Network input (V, 3, out_size, out_size) of V squares around the target, sides in image px."""
        crops = [
            self._family.crop(image, state.centre_xy, max(round(side), 1), out_size, self._border)
            for side in sides
        ]
        batch = torch.from_numpy(np.stack(crops)).to(self._device).permute(0, 3, 1, 2).float()
        return to_network_input(batch, self._config.input_format)


def _check_image(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        found = f"{image.shape} {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"an image must be an (H, W, 3) uint8 RGB array, got {found}")
    if image.size == 0:
        raise InputError(f"an image must have at least one pixel, got {image.shape}")
