"""Time of a tracking step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from dlatrack.bench.beside import network_step, updates_beside
from dlatrack.bench.measure import BenchReport, machine, measure, resident_mib
from dlatrack.datasets.folder import read_folders
from dlatrack.datasets.sequence import Sequence
from dlatrack.datasets.synthetic import synthetic_sequence
from dlatrack.errors import InputError
from dlatrack.models.heads import HeadOutput
from dlatrack.models.siamese import SiameseNet, build_model
from dlatrack.models.weights import load_weights
from dlatrack.recipes import Recipe, recipe
from dlatrack.tracking.confidence import Calibration, Thresholds
from dlatrack.tracking.confidence.calibration import INPUTS
from dlatrack.tracking.confidence.signals import first_look, frame_signals, target_map
from dlatrack.tracking.confidence.watch import Watch
from dlatrack.tracking.online import FAMILIES, OnlineTracker
from dlatrack.tracking.run import Tracker
from dlatrack.tracking.steps.state import CropGeometry, TargetState

#: The recipe whose memory is measured; with larger ones that would take minutes.
_WATCHED = "siamcar_small"

_FRAMES_PER_REPEAT = 10


def bench_track(
    repeats: int,
    *,
    tracker: str = "siamrpnpp",
    weights: str = "",
    clips: str = "",
    beside: str = "",
    opencv: Mapping[str, Tracker] = MappingProxyType({}),
) -> BenchReport:
    """Time the usual tracking step, the fast one, one with the plain network, and the confidence, in turn.

    The plain network (float32, NCHW, a call for every module) stands for the public implementations, in which nearly
    all time of a step is spent in the network.

    Args:
        repeats: number of timed frames.
        tracker: recipe of a network with random weights; ignored with `weights`.
        weights: weight file, or the name of a tracker that comes with the package.
        clips: folder of sequences in the OTB layout; the first long enough is tracked. "": a synthetic sequence.
        beside: comma-separated recipes with random weights, timed in the same turns.
        opencv: trackers of OpenCV by name, timed too. With one of the two, so is the network step of `tracker`.

    Raises:
        InputError: for an unknown recipe, or files that cannot be used.
    """
    net, chosen = load_weights(weights) if weights else _fresh(recipe(tracker))
    video = _video(clips, repeats + 1)
    trackers = {
        "step, plain network": OnlineTracker(_Plain(net), chosen),
        "step": OnlineTracker(net, chosen),
        "step, fast": OnlineTracker(net, chosen, fast=True),
        "step without the network": OnlineTracker(_Canned(net), chosen),
    }
    found: dict[str, list[np.ndarray]] = {name: [] for name in trackers}
    frames = [video.frames[index] for index in range(repeats + 1)]
    for each in trackers.values():
        each.init(frames[0], video.boxes_xywh[0])
    starter = OnlineTracker(_Plain(net), chosen)

    def step(name: str) -> Callable[[int], None]:
        return lambda turn: found[name].append(trackers[name].update(frames[turn + 1])[0])

    operations: dict[str, Callable[[int], object]] = {name: step(name) for name in trackers}
    operations["template, once per target"] = lambda _: starter.init(frames[0], video.boxes_xywh[0])
    operations["confidence of a frame"] = _confidence(net, chosen, frames, video.boxes_xywh)
    if beside or opencv:
        operations[f"{chosen.name}: network step"] = network_step(net, chosen)
        operations |= updates_beside(beside, opencv, video)
    timings = measure(operations, repeats)
    plain, usual, fast, _ = (np.array(boxes) for boxes in found.values())
    figures = {
        "times as fast as the plain network": timings[0].median / timings[1].median,
        "fast, times as fast as the plain network": timings[0].median / timings[2].median,
        "largest difference of boxes, px": float(np.abs(usual - plain).max()),
        "fast, largest difference of boxes, px": float(np.abs(fast - plain).max()),
        f"growth of memory over {_FRAMES_PER_REPEAT * repeats} frames of {_WATCHED}, MiB": _growth(
            frames[0], video.boxes_xywh[0], _FRAMES_PER_REPEAT * repeats
        ),
    }
    return BenchReport(timings, figures, {"tracker": chosen.name, "video": video.name, **machine()})


def _confidence(
    net: SiameseNet, chosen: Recipe, frames: list[np.ndarray], boxes_xywh: np.ndarray
) -> Callable[[int], None]:
    """Signals, probability and state of the next frame, for maps of the network and the true box.

    Networks run between two calls, so that the caches are as cold as between the steps of a tracker.
    """
    config, scales = chosen.net, len(FAMILIES[chosen.net.head].scales)
    with torch.inference_mode():
        template = net.template(torch.zeros(1, 3, config.template_size, config.template_size))
        size = config.online_search_size
        output = net.search(torch.zeros(scales, 3, size, size), template)
    maps = [part.float().numpy() for part in output if part is not None]
    maps = maps if scales > 1 else [part[0] for part in maps]
    geometry = CropGeometry(config.template_size, size, config.stride)
    states = [TargetState.from_box(image, box) for image, box in zip(frames, boxes_xywh, strict=False)]
    first = first_look(frames[0], states[0])
    watch = Watch(Calibration((0.1,) * len(INPUTS), 0.0), Thresholds())

    def observe(turn: int) -> None:
        target, last, new = target_map(config.head, maps), states[turn], states[turn + 1]
        watch.observe(frame_signals(target, 0.5, last, new, geometry, first, frames[turn + 1]))

    return observe


class _Plain(nn.Module):
    """A network that is run unchanged, since an online tracker optimises only a `SiameseNet`."""

    def __init__(self, net: SiameseNet) -> None:
        super().__init__()
        self.net = net

    def template(self, z: Tensor) -> list[Tensor]:
        return self.net.template(z)

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        return self.net.search(x, features)


class _Canned(_Plain):
    """A network that repeats its first answer to a search region, at no cost."""

    answer: HeadOutput | None = None

    def search(self, x: Tensor, features: list[Tensor]) -> HeadOutput:
        if self.answer is None:
            self.answer = self.net.search(x, features)
        return self.answer


def _fresh(chosen: Recipe) -> tuple[SiameseNet, Recipe]:
    return build_model(chosen), chosen


def _video(clips: str, length: int) -> Sequence:
    """A sequence of at least `length` frames."""
    if not clips:
        return synthetic_sequence(3, length, challenges=())
    videos = read_folders(Path(clips))
    longest = max(videos, key=len)
    if len(longest) < length:
        raise InputError(
            f"{clips} has no sequence of {length} frames; the longest, {longest.name}, allows {len(longest) - 1} "
            f"repeats"
        )
    return next(video for video in videos if len(video) >= length)


def _growth(image: np.ndarray, box_xywh: np.ndarray, frames: int) -> float:
    """Growth of the process while a small tracker runs, MiB, after warming up."""
    tracker = OnlineTracker(*_fresh(recipe(_WATCHED)))
    tracker.init(image, box_xywh)
    for _ in range(max(frames // 10, 1)):
        tracker.update(image)
    before = resident_mib()
    for _ in range(frames):
        tracker.update(image)
    return resident_mib() - before
