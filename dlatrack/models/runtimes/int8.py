"""Search graphs with eight-bit integers, by static quantisation."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dlatrack import __version__, paths
from dlatrack.boxes import context_side
from dlatrack.datasets.photographic import photographic_sequence
from dlatrack.files import atomic_path, file_digest
from dlatrack.models.onnx.network import ExportedTracker, require_packages
from dlatrack.models.runtimes.graphs import check_cache
from dlatrack.paths import scratch_folder
from dlatrack.progress import Progress
from dlatrack.provenance import sha256_of, versions

#: Clips whose crops decide the ranges of values: their number, the seed of the first, frames, and the frames cut.
#: They show the photographs of the training split, and no test or benchmark has these seeds.
_CLIPS, _SEED, _LENGTH, _FRAMES = 24, 9_300_000, 40, (1, 13, 26, 39)

#: Largest displacement of the target in a search crop, as a share of the crop's side.
_SHIFT = 0.15

#: Version of the procedure below, part of the key of cached graphs.
_PROCEDURE = 1


def int8_search(exported: ExportedTracker) -> Path:
    """The search graph of an exported tracker with convolutions and sums in int8.

    Weights have a scale per channel, maps one each, with ranges from the smallest to the largest value over crops of
    photographic clips. Correlations, whose kernels are the target's features, stay in float32, as does the template
    graph. The graph lies in `paths.cache_dir()`, by the content of the graphs and the versions of the programs.

    Args:
        exported: the tracker, in float32.

    Returns:
        The ONNX file, with nodes QuantizeLinear and DequantizeLinear that onnxruntime and OpenVINO both know.

    Raises:
        InputError: without onnx and onnxruntime, or if the file cannot be written.
    """
    require_packages(("onnx", "onnxruntime"))
    key = sha256_of(
        {
            "graphs": [file_digest(exported.template), file_digest(exported.search)],
            "procedure": [_PROCEDURE, _CLIPS, _SEED, _LENGTH, _FRAMES, _SHIFT],
            "versions": [__version__, versions(("onnxruntime",))["onnxruntime"]],
        }
    )
    path = paths.cache_dir() / f"int8-{key[:16]}.onnx"
    if not path.is_file():
        check_cache(path)
        title = f"quantising {exported.recipe.name} to {path}, once"
        with Progress(_CLIPS, title, unit="clips") as progress, atomic_path(path) as temporary:
            _quantise(exported, temporary, progress)
    return path


def _quantise(exported: ExportedTracker, out: Path, progress: Progress) -> None:
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with scratch_folder(name="int8") as folder, _without_warnings():
        prepared = folder / "search.onnx"
        quant_pre_process(str(exported.search), str(prepared), skip_symbolic_shape=True)
        graph = onnx.load(str(prepared)).graph
        constant = {entry.name for entry in graph.initializer}
        correlations = [n.name for n in graph.node if n.op_type == "Conv" and n.input[1] not in constant]
        quantize_static(
            str(prepared),
            str(out),
            _Reader(_inputs(exported, progress)),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=correlations,
        )


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep warnings of the quantisation, which are about single numbers without channels, out of the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class _Reader:
    """Inputs in the form that onnxruntime's quantisation asks for."""

    def __init__(self, inputs: Iterator[dict[str, np.ndarray]]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)


def _inputs(exported: ExportedTracker, progress: Progress) -> Iterator[dict[str, np.ndarray]]:
    """Inputs of the search graph, by name: crops of clips around the true box, shifted at random."""
    import onnxruntime

    template: Any = onnxruntime.InferenceSession(str(exported.template), providers=["CPUExecutionProvider"])
    net, rng = exported.recipe.net, np.random.default_rng(0)
    for number in range(_CLIPS):
        clip = photographic_sequence(_SEED + number, _LENGTH, split="train")
        first = _crop(clip.frames[0], clip.boxes_xywh[0], 1, net.template_size, np.zeros(2))
        features = template.run(None, {"template": first})
        named = {f"features_{index}": part for index, part in enumerate(features)}
        for frame in _FRAMES:
            box, shift = clip.boxes_xywh[frame], rng.uniform(-_SHIFT, _SHIFT, 2)
            if np.isfinite(box).all():
                enlarged = net.online_search_size / net.template_size
                crop = _crop(clip.frames[frame], box, enlarged, net.online_search_size, shift)
                yield {"search": crop, **named}
        progress.step()


def _crop(
    image: np.ndarray, box_xywh: np.ndarray, factor: float, size: int, shift_xy: np.ndarray
) -> np.ndarray:
    """A square of `factor` context sides around a box, (1, 3, size, size) float32; the mean colour outside."""
    width_height = box_xywh[2:]
    side = float(context_side(width_height[0], width_height[1])) * factor
    left, top = box_xywh[:2] + width_height / 2 + shift_xy * side - side / 2
    crop = cv2.warpAffine(
        image,
        np.array([[side / size, 0, left], [0, side / size, top]]),
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=image.mean((0, 1)).tolist(),
    )
    return crop.transpose(2, 0, 1)[None].astype(np.float32)
