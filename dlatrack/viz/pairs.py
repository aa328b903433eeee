"""Pictures of training pairs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dlatrack.boxes import xyxy_to_xywh
from dlatrack.pixels.colours import NEGATIVE_COLOUR, TARGET
from dlatrack.recipes import Recipe
from dlatrack.sampling.mixture import Mixture
from dlatrack.sampling.pairs import Pair, PairSource
from dlatrack.sampling.sources import CropSource
from dlatrack.viz.layers import draw_box
from dlatrack.viz.style import DOUBLE_WIDTH, figure_style, new_figure

_GAP = 4  # px between search region and template


def pair_sheet(crops: CropSource | Mixture, recipe: Recipe, *, seed: int = 0, count: int = 5) -> Figure:
    """Draw the first pairs of a run: templates above, search regions with the target below.

    Args:
        crops: crops of the training data.
        recipe: recipe whose augmentation is shown.
        seed: seed of the run.
        count: number of pairs.
    """
    source = PairSource(crops, recipe.sampling, recipe.net, seed)
    with figure_style():
        fig = new_figure(height_mm=1.62 * DOUBLE_WIDTH / count)
        axes = fig.subplots(2, count, height_ratios=[127, 255], squeeze=False)
        for index, (above, below) in enumerate(axes.T):
            pair = source.pair(0, index)
            for ax, image in ((above, pair.template), (below, pair.search)):
                ax.imshow(_shown(image))
                ax.set_axis_off()
            _add_box(below, pair)
            above.set_title(f"pair {index}")
    return fig


def augmented_pairs(source: PairSource, *, epoch: int = 0, count: int = 32, columns: int = 8) -> Figure:
    """Draw many pairs small: each search region with its box, and its template at the lower left, to scale.

    The box of a positive pair is solid; that of a negative pair, around another object than the template's, is red
    and dashed.

    Args:
        source: source of the pairs.
        epoch: epoch whose first pairs are drawn.
        count: number of pairs.
        columns: number of pairs side by side.
    """
    rows = -(-count // columns)
    template, search = source.net.template_size, source.net.search_size
    with figure_style():
        fig = new_figure(height_mm=rows * DOUBLE_WIDTH / columns * (1 + (template + _GAP) / search))
        fig.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0.02)  # type: ignore[union-attr, call-arg]
        axes = fig.subplots(rows, columns, squeeze=False).ravel()
        for index, ax in enumerate(axes):
            ax.set_axis_off()
            if index >= count:
                continue
            pair = source.pair(epoch, index)
            sheet = np.full((search + _GAP + template, search, 3), 255, np.uint8)
            sheet[:search] = _shown(pair.search)
            sheet[search + _GAP :, :template] = _shown(pair.template)
            ax.imshow(sheet)
            _add_box(ax, pair)
            text = f"{index}" if pair.positive else f"{index}\nnegative"
            label = ax.text(template + 6, search + _GAP, text, va="top", fontsize=6, linespacing=1.3)
            label.set_in_layout(False)
    return fig


def _shown(image: np.ndarray) -> np.ndarray:
    """(3, S, S) float32 as (S, S, 3) uint8; colour jitter may leave 0..255."""
    shown: np.ndarray = image.transpose(1, 2, 0).clip(0, 255).astype(np.uint8)
    return shown


def _add_box(ax: Axes, pair: Pair) -> None:
    """Draw the target box; one that leaves the region ends at its border."""
    side = pair.search.shape[-1]
    color, dashes = (TARGET, "-") if pair.positive else (NEGATIVE_COLOUR, (0, (2.5, 1.5)))
    box = draw_box(ax, xyxy_to_xywh(pair.target_xyxy), color, dashes)
    box.set_clip_path(Rectangle((-0.5, -0.5), side, side, transform=ax.transData))
